/** The stack as processes, in a scratch folder and on free ports: for tests that kill. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { startCamera } from "@glassline/camera";
import { program as cameraProgram } from "@glassline/camera/config";
import type { Source } from "@glassline/camera/source";
import { DashboardService } from "@glassline/proto/dashboard";
import { jsonClient } from "@glassline/proto/json";
import { QueryService } from "@glassline/proto/query";
import { systemClock } from "@glassline/service/clock";
import { readIdentity } from "@glassline/service/identity";
import { createLogger } from "@glassline/service/logger";
import { createMetrics } from "@glassline/service/metrics";
import { trace } from "@opentelemetry/api";

import { program } from "../config.ts";
import { edgesReady } from "../edges.ts";
import type { Plan } from "../plan.ts";
import type { Flags } from "../process-plan.ts";
import { checkPorts } from "../preflight.ts";
import { prepare } from "../secrets.ts";
import { Supervisor } from "../supervisor.ts";
import { configOf } from "./testbed.ts";

const LEAST_PORT = 20_000;
/** Below the range from which systems take ports for outgoing connections (32,768 on Linux). */
const PORTS = 12_000;
const SPAN = 310;

export interface ProcessStack extends AsyncDisposable {
  directory: string;
  plan: Plan;
  supervisor: Supervisor;
  query: ReturnType<typeof jsonClient<typeof QueryService>>;
  dashboard: ReturnType<typeof jsonClient<typeof DashboardService>>;
  /** An agent in the test's own process, attached to the gateway. */
  attach(sources: readonly Source[]): Promise<AsyncDisposable>;
}

/**
 * @param only names of the services to start; all when it is left out.
 * @param restart what ends by itself is started again.
 */
export async function startProcesses(
  words: Flags = {},
  only?: readonly string[],
  restart = false,
): Promise<ProcessStack> {
  await using stack = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), "glassline-stack-"));
  stack.defer(() => rm(directory, { recursive: true, force: true, maxRetries: 10 }));
  // Key managers are only where they are asked for, or where all is.
  const plan = await planOnFreePorts(directory, {
    "no-quantum": String(only !== undefined),
    ...words,
  });
  const processes = plan.processes.filter(({ name }) => only?.includes(name) ?? true);
  const supervisor = stack.use(
    new Supervisor(processes, {
      logDirectory: join(directory, "logs"),
      restart,
      say: () => {},
    }),
  );
  await supervisor.start();
  if (!only) await edgesReady(plan);
  const parts = stack.move();
  return {
    directory,
    plan,
    supervisor,
    query: jsonClient(QueryService, adminUrl(plan, "collector")),
    dashboard: jsonClient(DashboardService, `${plan.url}api`),
    attach: (sources) => attach(gatewayPort(plan), join(directory, "pki"), sources),
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

async function planOnFreePorts(directory: string, words: Flags): Promise<Plan> {
  for (let tries = 0; ; tries++) {
    const basePort = LEAST_PORT + SPAN * Math.floor((Math.random() * PORTS) / SPAN);
    const config = configOf(program, {
      data: directory,
      "base-port": basePort,
      "otlp-grpc-port": basePort + 100,
      "otlp-http-port": basePort + 101,
      cameras: 0,
      ...words,
    });
    const plan = await prepare(config);
    const taken = await checkPorts(plan).then(
      () => false,
      () => true,
    );
    if (!taken) return plan;
    if (tries > 20) throw new Error("no free ports found");
  }
}

/** Where a service of the plan tells its health and status. */
export function adminUrl(plan: Plan, service: string): string {
  const { ports } = plan.processes.find(({ name }) => name === service)!;
  return `http://localhost:${ports[1]!.port}`;
}

const gatewayPort = ({ processes }: Plan): number =>
  processes.find(({ name }) => name === "node-1")!.ports[0]!.port;

/** An agent in this process, attached to a gateway. */
export async function attach(
  port: number,
  pkiDir: string,
  sources: readonly Source[],
): Promise<AsyncDisposable> {
  const config = configOf(cameraProgram, {
    name: "agent-1",
    gateway: `localhost:${port}`,
    "admin-port": 0,
  });
  return startCamera(config, {
    identity: await readIdentity(pkiDir, { role: "camera", instance: "agent-1" }),
    clock: systemClock,
    random: Math.random,
    logger: createLogger("camera", "silent"),
    metrics: createMetrics("camera"),
    stopping: new AbortController().signal,
    tracerProvider: trace.getTracerProvider(),
    sources,
  });
}
