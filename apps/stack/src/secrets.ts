/** What the stack makes on first start below its data folder: the development CA, certificates and tokens. */
import { randomBytes } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { systemCodeOf } from "@glassline/service/errors";
import type { PeerName } from "@glassline/service/identity";
import { ensureDevelopmentPki } from "@glassline/service/pki";

import type { StackConfig } from "./config.ts";
import type { Plan, Secrets } from "./plan.ts";
import { planOf } from "./plan.ts";
import { telemetryEnvironment } from "./telemetry-environment.ts";

const TOKEN_BYTES = 24;

const METRIC_INTERVAL_MS = 5_000;
/** Who asks without being a service: the command line, and check plugins. */
const GUESTS: readonly PeerName[] = [
  { role: "operator", instance: "local" },
  { role: "monitor", instance: "local" },
];

/** Makes what is missing, and gives the plan that uses it. Also writes otlp.env, for senders of the user's own. */
export async function prepare(config: StackConfig): Promise<Plan> {
  const pkiDir = join(config.data, "pki");
  const secrets: Secrets = {
    otlpToken: await ensureToken(pkiDir, "otlp.token"),
    edgeToken: await ensureToken(pkiDir, "edge.token"),
    pushKey: await ensureToken(pkiDir, "push.key"),
    sessionToken: await ensureToken(pkiDir, "session.token"),
  };
  const plan = planOf(config, secrets);
  const names = [...plan.processes, ...plan.edges].map(({ identity }) => identity);
  await ensureDevelopmentPki(pkiDir, [...names, ...GUESTS]);
  await writeEnvironmentFile(config, pkiDir, secrets);
  await describeExample(config);
  return plan;
}

/** What `npm run chat -- deploy example` deploys; a file that somebody has changed stays. */
async function describeExample({ data }: StackConfig): Promise<void> {
  const directory = join(data, "channels");
  await mkdir(directory, { recursive: true });
  const content = `# A live channel of the test card, on the edges of this machine. All settings: npm run opsbot -- schema
channel: example
title: Test card
source: /live/cam-0001/index.m3u8
machines: [machine-1, machine-2]
# These machines are one: there is no network between them that VXLAN could keep apart.
overlay: {kind: none}
`;
  await writeFile(join(directory, "example.yaml"), content, { flag: "wx" }).catch((error) => {
    if (systemCodeOf(error) !== "EEXIST") throw error;
  });
}

async function ensureToken(pkiDir: string, file: string): Promise<string> {
  const path = join(pkiDir, file);
  try {
    return (await readFile(path, "utf8")).trim();
  } catch (error) {
    if (systemCodeOf(error) !== "ENOENT") throw error;
    await mkdir(pkiDir, { recursive: true, mode: 0o700 });
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
  const variables = telemetryEnvironment(config, pkiDir, secrets);
  const lines = Object.entries(variables)
    .filter(([name]) => name.startsWith("OTEL_EXPORTER_OTLP_"))
    .map(([name, value]) => `export ${name}='${value}'`);
  // By default SDKs send metrics once a minute, and would be silent in between.
  lines.push(`export OTEL_METRIC_EXPORT_INTERVAL='${METRIC_INTERVAL_MS}'`);
  const content = `# Sends any OpenTelemetry SDK's metrics, traces and logs to this stack: . ${join(config.data, "otlp.env")}\n${lines.join("\n")}\n`;
  await writeFile(join(config.data, "otlp.env"), content, { mode: 0o600 });
}
