/** An origin and a node-agent with two machines, each a process of its own: what channels are deployed on. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { KillableProcess } from "@glassline/bench/killable-process";
import { steadyPorts } from "@glassline/bench/ports";
import type { EdgeState, GetStatusResponse } from "@glassline/proto/node";
import { NodeAgentService } from "@glassline/proto/node";
import type { PeerName } from "@glassline/service/identity";
import { readIdentity } from "@glassline/service/identity";
import { peerClient } from "@glassline/service/peer-client";
import { ensureDevelopmentPki } from "@glassline/service/pki";

import type { Words } from "../../bench/opsbot-process.ts";
import { UNLIMITED, flagsOf } from "../../bench/opsbot-process.ts";

export const EDGE_TOKEN = "a-token-of-tortures";
const OPERATOR: PeerName = { role: "operator", instance: "local" };
const LEAST_EDGE_PORT = 22_000;
const EDGE_PORT_SPAN = 8_000;

export interface DeploymentNetwork extends AsyncDisposable {
  /** Of an OpsBot that deploys on it. */
  words: Words;
  status(): Promise<GetStatusResponse>;
  /** Edges of deployed channels. */
  edges(): Promise<EdgeState[]>;
  /** How often an edge was started so far. */
  starts(): number;
}

/** @param ports that edges may have. */
export async function startDeploymentNetwork(
  directory: string,
  ports = 100,
): Promise<DeploymentNetwork> {
  await using stack = new AsyncDisposableStack();
  const pkiDir = join(directory, "pki");
  await ensureDevelopmentPki(pkiDir, [
    { role: "origin", instance: "origin" },
    { role: "node-agent", instance: "node-agent" },
    { role: "opsbot", instance: "opsbot" },
    OPERATOR,
  ]);
  const [origin, originGrpc, originAdmin, agent, agentAdmin] = await steadyPorts(5);
  const common = { "pki-dir": pkiDir };
  const start = async (app: string, words: Words) => {
    const main = fileURLToPath(new URL(`../../../${app}/src/main.ts`, import.meta.url));
    const started = new KillableProcess(app, [main, ...flagsOf({ ...common, ...words })], {
      GLASSLINE_NODE_AGENT_EDGE_TOKEN: EDGE_TOKEN,
    });
    stack.defer(async () => void (await started.end("SIGTERM")));
    await started.ready();
    return started;
  };
  await start("origin", {
    port: origin!,
    "grpc-port": originGrpc!,
    "admin-port": originAdmin!,
    "test-card": "cam-0001",
    "log-level": "error",
  });
  const dataDir = join(directory, "node-agent");
  await mkdir(dataDir, { recursive: true });
  const firstPort = LEAST_EDGE_PORT + Math.floor(Math.random() * EDGE_PORT_SPAN);
  const agentProcess = await start("node-agent", {
    port: agent!,
    "admin-port": agentAdmin!,
    machine: ["machine-1", "machine-2"],
    "data-dir": dataDir,
    "edge-drain": 0,
    "edge-ports": `${firstPort}-${firstPort + ports - 1}`,
    "log-level": "info",
  });
  const endpoint = { name: "node-agent", host: "localhost", port: agent! };
  const identity = await readIdentity(pkiDir, OPERATOR);
  const client = stack.use(peerClient(NodeAgentService, endpoint, "node-agent", identity));
  const status = () => client.getStatus({});
  const owned = stack.move();
  return {
    words: {
      ...UNLIMITED,
      "node-agent": `node-agent=localhost:${agent}`,
      origin: `origin=localhost:${originGrpc}`,
      "deploy-origin": `origin=https://localhost:${origin}`,
      "edge-token": EDGE_TOKEN,
    },
    status,
    edges: async () => (await status()).edges.filter(({ spec }) => spec?.channel !== ""),
    starts: () => agentProcess.output.split('"msg":"started"').length - 1,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
