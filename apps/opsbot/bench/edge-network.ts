/** An origin, edges under a node-agent, and OpsBot, each a process of its own, as the stack runs them. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { create, toJsonString } from "@bufbuild/protobuf";
import { KillableProcess } from "@glassline/bench/killable-process";
import { freePorts } from "@glassline/bench/ports";
import type { EdgeState } from "@glassline/proto/node";
import { EdgePhase, NodeAgentService, SetDesiredStateRequestSchema } from "@glassline/proto/node";
import type { Client } from "@glassline/proto/rpc";
import type { PeerName } from "@glassline/service/identity";
import { readIdentity } from "@glassline/service/identity";
import { peerClient } from "@glassline/service/peer-client";
import { ensureDevelopmentPki } from "@glassline/service/pki";

import type { Words } from "./opsbot-process.ts";
import { OpsBotProcess, flagsOf, until } from "./opsbot-process.ts";
import { UNLIMITED } from "./unlimited.ts";

const EDGE_TOKEN = "a-token-for-benchmarks";
const OPERATOR: PeerName = { role: "operator", instance: "local" };
const START_TIMEOUT_MS = 60_000;
/** Of an edge: viewers, cluster, gRPC, administration. */
const PORTS_OF_EDGE = 4;
export const CHANNEL = "cam-0001";

export interface Edge {
  name: string;
  url: string;
  ports: readonly number[];
}

export interface EdgeNetwork extends AsyncDisposable {
  edges: readonly Edge[];
  opsbot: OpsBotProcess;
  /** As the node-agent sees it. */
  stateOf(edge: Edge): Promise<EdgeState>;
}

/** Resolves when all edges are ready, and OpsBot knows of nothing that is wrong. */
export async function startEdgeNetwork(directory: string, count: number): Promise<EdgeNetwork> {
  await using stack = new AsyncDisposableStack();
  const [origin, originGrpc, originAdmin, agent, agentAdmin, ...rest] = await freePorts(
    5 + PORTS_OF_EDGE * count,
  );
  const edges = Array.from({ length: count }, (_, at): Edge => {
    const ports = rest.slice(at * PORTS_OF_EDGE, (at + 1) * PORTS_OF_EDGE);
    return { name: `edge-${at + 1}`, url: `http://localhost:${ports[0]}`, ports };
  });
  const pkiDir = join(directory, "pki");
  await ensureDevelopmentPki(pkiDir, [
    { role: "origin", instance: "origin" },
    { role: "node-agent", instance: "node-agent" },
    ...edges.map(({ name }): PeerName => ({ role: "edge-cache", instance: name })),
    OPERATOR,
  ]);
  const common = { "pki-dir": pkiDir, "log-level": "error" };
  stack.use(
    await startApp("origin", {
      ...common,
      port: origin!,
      "grpc-port": originGrpc!,
      "admin-port": originAdmin!,
      "test-card": CHANNEL,
    }),
  );
  const client = stack.use(await agentClient(pkiDir, agent!));
  const stateOf = async ({ name }: Edge) =>
    (await client.getStatus({})).edges.find(({ spec }) => spec?.name === name)!;
  stack.use(
    await startApp("node-agent", {
      ...common,
      port: agent!,
      "admin-port": agentAdmin!,
      "data-dir": join(directory, "node-agent"),
      machine: edges.map(({ name }) => `machine-of-${name}`),
      "edge-token": EDGE_TOKEN,
      "edge-drain": 0,
    }),
  );
  const opsbot = stack.use(
    await OpsBotProcess.start({
      directory,
      words: {
        ...UNLIMITED,
        "node-agent": `node-agent=localhost:${agent}`,
        origin: `origin=localhost:${originGrpc}`,
        edge: edges.map(({ name, ports }) => `${name}=localhost:${ports[2]}`),
        "edge-token": EDGE_TOKEN,
        edges: desired(edges, origin!),
      },
    }),
  );
  for (const edge of edges)
    await until(
      `${edge.name} is ready`,
      async () => (await stateOf(edge)).phase === EdgePhase.READY || undefined,
      START_TIMEOUT_MS,
    );
  await until("OpsBot sees all edges", async () => {
    const { checks } = await opsbot.client.getStatus({});
    return checks.filter(({ check }) => check === "process").length === count || undefined;
  });
  const owned = stack.move();
  return { edges, opsbot, stateOf, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

function desired(edges: readonly Edge[], originPort: number): string {
  const specs = edges.map(({ name, url, ports }) => ({
    name,
    machine: `machine-of-${name}`,
    port: ports[0]!,
    clusterPort: ports[1]!,
    grpcPort: ports[2]!,
    adminPort: ports[3]!,
    publicUrl: url,
    originUrl: `https://localhost:${originPort}`,
    peers: edges
      .filter((other) => other.name !== name)
      .map((other) => ({
        name: other.name,
        publicUrl: other.url,
        clusterUrl: `https://localhost:${other.ports[1]}`,
      })),
  }));
  return toJsonString(
    SetDesiredStateRequestSchema,
    create(SetDesiredStateRequestSchema, { edges: specs }),
  );
}

async function agentClient(
  pkiDir: string,
  port: number,
): Promise<Client<typeof NodeAgentService> & Disposable> {
  const identity = await readIdentity(pkiDir, OPERATOR);
  const endpoint = { name: "node-agent", host: "localhost", port };
  return peerClient(NodeAgentService, endpoint, "node-agent", identity);
}

/** Resolves when it is ready. Told to stop at the end: a node-agent stops its edges then. */
async function startApp(app: "origin" | "node-agent", words: Words): Promise<AsyncDisposable> {
  const main = fileURLToPath(new URL(`../../${app}/src/main.ts`, import.meta.url));
  const started = new KillableProcess(app, [main, ...flagsOf(words)]);
  try {
    await started.ready();
  } catch (error) {
    await started.end("SIGKILL");
    throw error;
  }
  return {
    [Symbol.asyncDispose]: async () => void (await started.end("SIGTERM")),
  };
}
