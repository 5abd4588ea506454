/** A node-agent: owns the edges and segments of its machines. */
import { fileURLToPath } from "node:url";

import { jsonRoutes } from "@glassline/proto/json";
import { NodeAgentService } from "@glassline/proto/node";
import { RpcError } from "@glassline/proto/errors";
import { openApi } from "@glassline/proto/openapi";
import type { Implementation } from "@glassline/proto/rpc";
import { addService } from "@glassline/proto/rpc";
import type { AppDeps } from "@glassline/service/app";
import { backoff } from "@glassline/service/backoff";
import { GRPC_LIMITS, closeGrpc, listenGrpc } from "@glassline/service/grpc";
import { startAdmin } from "@glassline/service/http";
import { BUG } from "@glassline/service/main";
import { mutualTlsServer, requireCaller } from "@glassline/service/tls";
import * as grpc from "@grpc/grpc-js";

import { Agent } from "./agent.ts";
import type { AboutMachines } from "./about-machines.ts";
import { aboutMachines } from "./about-machines.ts";
import type { NodeAgentConfig } from "./config.ts";
import type { Drivers } from "./drivers/drivers.ts";
import { startDrivers } from "./drivers/start-drivers.ts";
import { keepViewerPair } from "./drivers/viewer-pair.ts";
import { segmentDriverOf } from "./segment-drivers.ts";
import { openStateStore } from "./stores/state-store.ts";

const VERSION = "0.1.0";
const GRACE_MS = 500;
const PAUSE_GROWTH = 16;
/** Of a log: where nothing is said, and at most. */
const [LINES, LINES_MAX] = [100, 1_000];
const EDGE_PROGRAM = fileURLToPath(new URL("../../edge-cache/src/main.ts", import.meta.url));

export interface NodeAgent extends AsyncDisposable {
  addresses: { port: number; adminPort: number };
}

export async function startNodeAgent(config: NodeAgentConfig, deps: AppDeps): Promise<NodeAgent> {
  await using stack = new AsyncDisposableStack();
  const { clock, logger } = deps;
  const store = stack.use(openStateStore(config.dataDir));
  const edgeProgram = config.edgeProgram === "" ? EDGE_PROGRAM : config.edgeProgram;
  const viewerPairPath = await keepViewerPair(config, deps, stack);
  const { drivers, files } = startDrivers({ ...config, edgeProgram, viewerPairPath }, deps);
  stack.use(drivers);
  const machines = config.machine.length > 0 ? config.machine : [config.name];
  const pause = { firstMs: config.restartPause, maxMs: PAUSE_GROWTH * config.restartPause };
  const newBackoff = () => backoff({ ...pause, random: () => 0.5 + 0.5 * deps.random() });
  const drainMs = config.edgeDrain;
  const { segmentDriver, wireguardPublicKey } = await segmentDriverOf(config, store, deps);
  const about = aboutMachines(config, segmentDriver.refusal, wireguardPublicKey);
  const agent = new Agent({
    machines,
    drivers,
    segmentDriver,
    store,
    clock,
    logger,
    newBackoff,
    drainMs,
    files,
  });
  // What goes wrong in the agent must not cost its edges: the next life takes them over.
  stack.defer(() => agent.close(!config.leaveEdges && deps.stopping.reason !== BUG));
  await agent.start();

  const service = serviceOf({ name: config.name, machines, about, agent, drivers }, deps);
  const server = new grpc.Server(GRPC_LIMITS);
  addService(server, NodeAgentService, service);
  const port = await listenGrpc(
    server,
    "gRPC (--port)",
    config.host,
    config.port,
    mutualTlsServer(deps.identity),
  );
  stack.defer(() => closeGrpc(server, GRACE_MS));
  const http = stack.use(
    await startAdmin(config, deps.metrics.registry, {
      routes: jsonRoutes(NodeAgentService, service).filter(
        ({ method }) => method.localName === "getStatus",
      ),
      openApi: openApi("Glassline node-agent", VERSION, [NodeAgentService]),
    }),
  );
  const owned = stack.move();
  return {
    addresses: { port, adminPort: http.port },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

interface Served {
  name: string;
  machines: readonly string[];
  about: AboutMachines;
  agent: Agent;
  drivers: Drivers;
}

function serviceOf(
  { name, machines, about, agent, drivers }: Served,
  { clock, metrics }: AppDeps,
): Implementation<typeof NodeAgentService> {
  const wishes = metrics.counter("node_agent_wishes_total", "Desired states received, by result.", [
    "result",
  ]);
  return {
    getStatus: async () => ({
      agent: name,
      machines: [...machines],
      fencingToken: agent.fencingToken,
      edges: agent.states(),
      segments: agent.segmentStates(),
      nowUnixNano: clock.nowUnixNano(),
      machineStates: machines.map((machine) => ({
        ...about,
        name: machine,
        drivers: drivers.usable,
      })),
      foreignTunnels: machines.flatMap((machine) =>
        agent.foreignTunnels().map((tunnel) => ({ ...tunnel, machine })),
      ),
    }),
    setDesiredState: async (request, context) => {
      requireCaller(context, ["opsbot", "operator"]);
      try {
        const changed = agent.setDesired(request);
        wishes.inc({ result: changed ? "changed" : "same" });
        return { changed };
      } catch (error) {
        wishes.inc({ result: "refused" });
        throw error;
      }
    },
    getLogs: async ({ name: edge, maxLines }, context) => {
      requireCaller(context, ["opsbot", "operator", "dashboard", "monitor"]);
      return { lines: await agent.logs(edge, linesOf(maxLines)) };
    },
  };
}

/** Throws RpcError. */
function linesOf(maxLines: number): number {
  if (maxLines <= LINES_MAX) return maxLines === 0 ? LINES : maxLines;
  throw new RpcError(
    "invalid_argument",
    `max_lines: got ${maxLines}, expected at most ${LINES_MAX}`,
  );
}
