/** One case of the benchmark: a fresh system, one protocol, one encoding, one size of requests. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { about, report } from "@glassline/bench/report";

import type { Encoding } from "./encodings.ts";
import { grpcClient, grpcMessage } from "./grpc-client.ts";
import { httpClient } from "./http-client.ts";
import type { Client, LoadResult } from "./load.ts";
import { Refusal, quantile, runLoad } from "./load.ts";
import { CAN_PIN } from "@glassline/bench/pinned-process";
import { busyMs, cpuMsOf } from "@glassline/bench/proc";
import type { RunningSystem, System } from "./system.ts";
import { TOKEN } from "./system.ts";

export const BENCH = "otlp-ingestion";
const GRPC_CONNECTIONS = 2;
const CONCURRENCY = 16;

export interface Case {
  protocol: "grpc" | "http";
  encoding: Encoding;
  pointsPerRequest: number;
  /** Encoded and compressed. */
  bodies: readonly Uint8Array[];
}

export interface Times {
  warmupMs: number;
  measureMs: number;
}

export async function measureIngestion(system: System, case_: Case, times: Times): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "glassline-bench-"));
  await using stack = new AsyncDisposableStack();
  stack.defer(() => rm(directory, { recursive: true, force: true }));
  const running = stack.use(await system.start(directory));
  const { client, bodies } = await clientOf(running, case_);
  stack.use(client);
  const refusal = await refusalOf(client, bodies[0]!);
  if (refusal !== undefined) {
    const { protocol, encoding } = case_;
    about(BENCH, `${system.name} refuses ${encoding} over ${protocol}: ${refusal}.`);
    return;
  }
  const edges: Sample[] = [];
  const options = { bodies, concurrency: CONCURRENCY, ...times };
  const result = await runLoad(client, options, () => {
    const [systemMs, ownMs] = [running.process.cpuMs(), cpuMsOf(process.pid)];
    const othersMs = busyMs() - systemMs - ownMs;
    edges.push({ atMs: performance.now(), systemMs, ownMs, othersMs });
  });
  tell(system, case_, times, result, costOf(edges, running.process.residentBytes()));
}

async function clientOf(
  { grpcPort, httpPort }: RunningSystem,
  { protocol, encoding, bodies }: Case,
): Promise<{ client: Client; bodies: readonly Buffer[] }> {
  if (protocol === "http") {
    const client = httpClient(httpPort, encoding, TOKEN, CONCURRENCY);
    return { client, bodies: bodies.map((body) => Buffer.from(body)) };
  }
  const client = await grpcClient(grpcPort, encoding, TOKEN, GRPC_CONNECTIONS);
  return { client, bodies: bodies.map((body) => grpcMessage(body, encoding)) };
}

async function refusalOf(client: Client, body: Buffer): Promise<string | undefined> {
  try {
    await client.send(body);
    return undefined;
  } catch (error) {
    if (error instanceof Refusal) return error.message;
    throw error;
  }
}

/** CPU times so far. */
interface Sample {
  atMs: number;
  systemMs: number;
  ownMs: number;
  othersMs: number;
}

/** Shares are of one core. */
interface Cost {
  systemShare: number;
  ownShare: number;
  othersShare: number;
  residentBytes: number;
}

function costOf(edges: readonly Sample[], residentBytes: number): Cost {
  const [from, to] = [edges[0]!, edges.at(-1)!];
  const elapsedMs = to.atMs - from.atMs;
  return {
    systemShare: (to.systemMs - from.systemMs) / elapsedMs,
    ownShare: (to.ownMs - from.ownMs) / elapsedMs,
    othersShare: (to.othersMs - from.othersMs) / elapsedMs,
    residentBytes,
  };
}

function tell(
  { name }: System,
  { protocol, encoding, pointsPerRequest }: Case,
  { warmupMs, measureMs }: Times,
  { acknowledged, refused, elapsedMs, latencyMs }: LoadResult,
  { systemShare, ownShare, othersShare, residentBytes }: Cost,
): void {
  const params = {
    protocol,
    encoding,
    pointsPerRequest,
    system: name,
    concurrency: CONCURRENCY,
    warmupMs,
    measureMs,
    pinned: CAN_PIN,
  };
  const points = acknowledged * pointsPerRequest;
  const figure = (metric: string, value: number, unit: string) =>
    report(BENCH, metric, value, unit, params);
  figure("acknowledged", (1_000 * points) / elapsedMs, "points/s");
  if (refused > 0) figure("refused", (1_000 * refused) / elapsedMs, "requests/s");
  if (acknowledged === 0) return;
  figure("latency_p50", quantile(latencyMs, 0.5), "ms");
  figure("latency_p99", quantile(latencyMs, 0.99), "ms");
  figure("cpu_per_point", (1e6 * elapsedMs * systemShare) / points, "ns");
  figure("cpu_of_a_core", 100 * systemShare, "%");
  figure("cpu_of_generator", 100 * ownShare, "%");
  figure("cpu_of_others", 100 * othersShare, "%");
  figure("resident_memory", residentBytes / 2 ** 20, "MiB");
}
