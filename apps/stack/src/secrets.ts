/** What the stack makes on first start below its data folder: the development CA, certificates, and the OTLP token. */
import { randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { systemCodeOf } from "@glassline/service/errors";
import { ensureDevelopmentPki } from "@glassline/service/pki";

import type { StackConfig } from "./config.ts";
import type { Plan, Secrets } from "./plan.ts";
import { planOf, telemetryEnvironment } from "./plan.ts";

const TOKEN_BYTES = 24;

/** Makes what is missing, and gives the plan that uses it. Also writes otlp.env, for senders of the user's own. */
export async function prepare(config: StackConfig): Promise<Plan> {
  const names = planOf(config, { otlpToken: "" }).processes.map(({ identity }) => identity);
  const pkiDir = join(config.data, "pki");
  await ensureDevelopmentPki(pkiDir, [...names, { role: "operator", instance: "local" }]);
  const secrets = { otlpToken: await ensureToken(join(pkiDir, "otlp.token")) };
  await writeEnvironmentFile(config, pkiDir, secrets);
  return planOf(config, secrets);
}

async function ensureToken(path: string): Promise<string> {
  try {
    return (await readFile(path, "utf8")).trim();
  } catch (error) {
    if (systemCodeOf(error) !== "ENOENT") throw error;
    const token = randomBytes(TOKEN_BYTES).toString("base64url");
    await writeFile(path, `${token}\n`, { mode: 0o600 });
    return token;
  }
}

async function writeEnvironmentFile(
  config: StackConfig,
  pkiDir: string,
  secrets: Secrets,
): Promise<void> {
  const {
    OTEL_EXPORTER_OTLP_ENDPOINT,
    OTEL_EXPORTER_OTLP_PROTOCOL,
    OTEL_EXPORTER_OTLP_CERTIFICATE,
    OTEL_EXPORTER_OTLP_HEADERS,
  } = telemetryEnvironment(config, pkiDir, secrets);
  const variables = {
    OTEL_EXPORTER_OTLP_ENDPOINT,
    OTEL_EXPORTER_OTLP_PROTOCOL,
    OTEL_EXPORTER_OTLP_CERTIFICATE,
    OTEL_EXPORTER_OTLP_HEADERS,
  };
  const lines = Object.entries(variables).map(([name, value]) => `export ${name}='${value}'`);
  const content = `# Sends any OpenTelemetry SDK's metrics and traces to this stack: . ${join(config.data, "otlp.env")}\n${lines.join("\n")}\n`;
  await writeFile(join(config.data, "otlp.env"), content, { mode: 0o600 });
}
