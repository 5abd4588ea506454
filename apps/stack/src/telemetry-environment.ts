/** How programs that use OpenTelemetry find the stack's collector. */
import { join } from "node:path";

import type { StackConfig } from "./config.ts";
import type { Secrets } from "./plan.ts";

const HOST = "localhost";

/** The standard variables by which every OpenTelemetry SDK finds the stack's own collector. */
export function telemetryEnvironment(
  config: StackConfig,
  pkiDir: string,
  { otlpToken }: Pick<Secrets, "otlpToken">,
): Record<string, string> {
  return {
    OTEL_EXPORTER_OTLP_ENDPOINT: `https://${HOST}:${config.otlpHttpPort}`,
    OTEL_EXPORTER_OTLP_PROTOCOL: "http/protobuf",
    OTEL_EXPORTER_OTLP_CERTIFICATE: join(pkiDir, "ca.pem"),
    OTEL_EXPORTER_OTLP_HEADERS: `authorization=Bearer%20${otlpToken}`,
    OTEL_METRICS_EXPORTER: "none",
    OTEL_LOGS_EXPORTER: "none",
    OTEL_BSP_SCHEDULE_DELAY: "500",
  };
}
