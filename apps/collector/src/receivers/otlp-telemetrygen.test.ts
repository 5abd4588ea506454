/**
 * The OpenTelemetry Collector's load generator against ours: go install
 * github.com/open-telemetry/opentelemetry-collector-contrib/cmd/telemetrygen@latest. Skipped where it is not installed.
 */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";

import { describe, expect, test } from "vitest";

import type { OtlpCollector } from "./otlp.testing.ts";
import { AUTHORIZATION, startOtlpCollector } from "./otlp.testing.ts";

const run = promisify(execFile);

const TELEMETRYGEN =
  process.env["TELEMETRYGEN"] ??
  (process.env["PATH"] ?? "")
    .split(delimiter)
    .map((folder) => join(folder, "telemetrygen"))
    .find((path) => existsSync(path));

/** Of one run. */
const ITEMS = 5;
const SIGNALS = [
  { signal: "metrics", metric: "points_stored_total", stored: { "receiver=otlp": ITEMS } },
  // A trace of telemetrygen is two spans.
  { signal: "traces", metric: "spans_stored_total", stored: { "": 2 * ITEMS } },
  { signal: "logs", metric: "log_records_stored_total", stored: { "": ITEMS } },
] as const;

async function generate(collector: OtlpCollector, signal: string, transport: readonly string[]) {
  const caFile = join(collector.directory, "ca.pem");
  await writeFile(caFile, collector.ca);
  const { otlpGrpcPort, otlpHttpPort } = collector.addresses;
  const port = transport.length === 0 ? otlpGrpcPort : otlpHttpPort;
  const header = `--otlp-header=authorization="${AUTHORIZATION}"`;
  const count = [`--${signal}=${ITEMS}`, "--rate=0"];
  const target = [`--otlp-endpoint=localhost:${port}`, `--ca-cert=${caFile}`, header];
  await run(TELEMETRYGEN!, [signal, ...target, ...transport, ...count], { timeout: 15_000 });
}

const title = TELEMETRYGEN ? "telemetrygen" : "telemetrygen (skipped: not on the PATH)";

describe.skipIf(!TELEMETRYGEN)(title, () => {
  describe.each([
    ["gRPC", []],
    ["HTTP", ["--otlp-http"]],
  ] as const)("over %s", (_name, transport) => {
    test.each(SIGNALS)("has its $signal stored", async ({ signal, metric, stored }) => {
      await using collector = await startOtlpCollector();
      await generate(collector, signal, transport);
      expect(await collector.values("otlp_requests_refused_total")).toEqual({});
      expect(await collector.values(metric)).toEqual(stored);
      expect((await collector.stored()).length).toBeGreaterThan(0);
    });
  });
});
