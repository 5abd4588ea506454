/** Two collectors as processes behind a load balancer, and a gateway whose uplink leads through a relay and it. */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { Source } from "@glassline/camera/source";
import { RpcError } from "@glassline/proto/errors";
import { jsonClient } from "@glassline/proto/json";
import { QueryService } from "@glassline/proto/query";
import { ensureDevelopmentPki } from "@glassline/service/pki";

import type { ProcessPlan } from "../process-plan.ts";
import { flags } from "../process-plan.ts";
import { Supervisor } from "../supervisor.ts";
import type { Balancer, BalancerOptions } from "./balancers.ts";
import { BALANCER } from "./balancers.ts";
import { attach } from "./processes.ts";
import { countedValues } from "./sources.ts";

/** Below the range from which systems take ports for outgoing connections. */
const LEAST_PORT = 20_000;
const PORTS = 12_000;
const SPAN = 11;

export const COLLECTORS = ["collector-1", "collector-2"] as const;
export type CollectorName = (typeof COLLECTORS)[number];

const OFFSET = {
  "collector-1": { port: 0, admin: 1, balancer: 2 },
  "collector-2": { port: 3, admin: 4, balancer: 5 },
  balancer: 6,
  "node-1": { port: 7, admin: 8 },
  "node-2": { port: 9, admin: 10 },
} as const;

export interface BalancedStack extends AsyncDisposable {
  pkiDir: string;
  /** Of the balancer. */
  port: number;
  balancer: Balancer;
  supervisor: Supervisor;
  /** The values of the counted metric that a collector has, in order of their time; none while it is down. */
  stored(collector: CollectorName, cameraId: string): Promise<number[]>;
  /** How many streams the gateway has opened. */
  streamsOpened(): Promise<number>;
  attach(sources: readonly Source[]): Promise<AsyncDisposable>;
}

export async function startBalanced(
  start: (options: BalancerOptions) => Promise<Balancer>,
  options: Pick<BalancerOptions, "inTurn"> = {},
): Promise<BalancedStack> {
  await using stack = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), "glassline-balanced-"));
  stack.defer(() => rm(directory, { recursive: true, force: true, maxRetries: 5 }));
  const pkiDir = join(directory, "pki");
  const basePort = LEAST_PORT + SPAN * Math.floor((Math.random() * PORTS) / SPAN);
  const at = (offset: number) => basePort + offset;
  const processes = [
    nodePlan("node-1", directory, at, {
      gateway: true,
      peer: [`node-2=localhost:${at(OFFSET["node-2"].port)}`],
    }),
    nodePlan("node-2", directory, at, {
      collector: `localhost:${at(OFFSET.balancer)}`,
      "collector-balanced": true,
    }),
    ...COLLECTORS.map((name) => collectorPlan(name, directory, at)),
  ];
  await ensureDevelopmentPki(
    pkiDir,
    [{ role: "camera", instance: "agent-1" } as const].concat(
      processes.map(({ identity }) => identity) as never[],
    ),
  );
  const supervisor = stack.use(
    new Supervisor(processes, {
      logDirectory: join(directory, "logs"),
      restart: false,
      say: () => {},
    }),
  );
  await supervisor.start();
  const own = join(directory, "balancer");
  await mkdir(own);
  const collectors = [
    at(OFFSET["collector-1"].balancer),
    at(OFFSET["collector-2"].balancer),
  ] as const;
  const port = at(OFFSET.balancer);
  const balancer = stack.use(await start({ directory: own, pkiDir, port, collectors, ...options }));
  const parts = stack.move();
  return {
    pkiDir,
    port,
    balancer,
    supervisor,
    stored: (collector, cameraId) => stored(at(OFFSET[collector].admin), cameraId),
    streamsOpened: () => streamsOpened(at(OFFSET["node-1"].admin)),
    attach: (sources) => attach(at(OFFSET["node-1"].port), pkiDir, sources),
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

type At = (offset: number) => number;

function collectorPlan(name: CollectorName, directory: string, at: At): ProcessPlan {
  const { port, admin, balancer } = OFFSET[name];
  return {
    name,
    app: "collector",
    identity: { role: "collector", instance: name },
    environment: {},
    ports: [],
    arguments: flags({
      name,
      "pki-dir": join(directory, "pki"),
      "data-dir": join(directory, name),
      port: at(port),
      "admin-port": at(admin),
      "balancer-port": at(balancer),
      "load-balancer": [BALANCER.instance],
    }),
  };
}

function nodePlan(
  name: "node-1" | "node-2",
  directory: string,
  at: At,
  more: Readonly<Record<string, string | true | readonly string[]>>,
): ProcessPlan {
  const { port, admin } = OFFSET[name];
  return {
    name,
    app: "mesh-node",
    identity: { role: "mesh-node", instance: name },
    environment: {},
    ports: [],
    arguments: flags({
      name,
      "pki-dir": join(directory, "pki"),
      "data-dir": join(directory, name),
      port: at(port),
      "admin-port": at(admin),
      ...more,
    }),
  };
}

async function stored(adminPort: number, cameraId: string): Promise<number[]> {
  const client = jsonClient(QueryService, `http://localhost:${adminPort}`);
  try {
    return await countedValues(client, cameraId);
  } catch (error) {
    if (error instanceof RpcError && (error.code === "not_found" || error.code === "unavailable"))
      return [];
    throw error;
  }
}

async function streamsOpened(adminPort: number): Promise<number> {
  const answer = await fetch(`http://localhost:${adminPort}/metrics`);
  const line = /^glassline_gateway_streams_opened_total(?:\{[^}]*\})? (\d+)$/m.exec(
    await answer.text(),
  );
  return Number(line?.[1] ?? 0);
}
