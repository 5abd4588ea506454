/** Producers over OTQMN and TLS into a collector on one core: points a second that are durably acknowledged. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import { SERIES } from "@glassline/bench/fleet-model";
import { about, report } from "@glassline/bench/report";
import { readIdentity } from "@glassline/service/identity";

import { fleetRun } from "./fleet-runs.ts";
import type { RunningGlassline } from "./glassline.ts";
import { startGlassline } from "./glassline.ts";
import type { Times } from "./ingestion.ts";
import { quantile } from "./load.ts";
import { BenchProducer, producerNames } from "./otqmn-producer.ts";
import { CAN_PIN, GENERATOR_CORE, SYSTEM_CORE } from "@glassline/bench/pinned-process";

const BENCH = "otqmn-ingestion";
const SHARDS = "shards";
/** Blocks are made with what is left of the processor: less of them by one process, at full load. */
export const NO_BLOCKS = ["--segment-size=1GiB", "--recent-size=8GiB"];
const ALL_CORES = [GENERATOR_CORE, SYSTEM_CORE];
export const RUN_BATCHES = 300;

export interface Case {
  streams: number;
  /** Of each stream; a message has a tick of all of them. */
  cameras: number;
  /** Of each stream: messages that are sent and not acknowledged. */
  inFlight: number;
}

export const GATEWAYS: readonly Case[] = [
  { streams: 4, cameras: 200, inFlight: 12 },
  { streams: 8, cameras: 20, inFlight: 16 },
];
const CAMERAS: Case = { streams: 200, cameras: 1, inFlight: 8 };

export async function measureOtqmn(times: Times, isQuick: boolean): Promise<void> {
  about(
    BENCH,
    "Producers with mutual TLS into a collector on one core, with blocks, which are made at a low priority (see block-cost); the producers have another core. Each " +
      `sends a run of ${RUN_BATCHES} batches of the fleet model again and again. Acknowledged means synced to disk. Goals: 10 million points/s with 480 or more points a message, ` +
      "acknowledged within 50 ms (p99); 1 million with 24 points a message on 200 streams. The producers put messages that are ready together into one frame of HTTP/2, as clients in C++ do; " +
      "with grpc-js, which gives each a frame and a write of its own, 24 points a message reach about half as much. What bounds the small messages is some 30 µs of CPU each: a quarter the decoder, whose " +
      "models of 200 streams do not stay in the processor's caches, a quarter the memory that is allocated and collected for each, a seventh the log, a tenth gRPC, HTTP/2 and TLS. The tails of acknowledgements are collections of V8 and rolls of segments: with 4,800 points a message p99 was 46 ms in the quietest run, " +
      "71 in others; half as many in flight gave 53 ms and two thirds of the rate.",
  );
  for (const case_ of isQuick ? GATEWAYS.slice(0, 1) : [...GATEWAYS, CAMERAS])
    await measure(case_, times);
}

/** The same producers into one shard and into two, which may run on all cores as the producers may. */
export async function measureShards(times: Times, isQuick: boolean): Promise<void> {
  about(
    SHARDS,
    "The same producers into a collector of one process, and into two shards behind their front. Collector and producers share all cores, so the rate is not what shards can take; " +
      "CPU time a point, of all processes together, is what it costs to divide the work; blocks are left out. Goal: 1.2 times that of one at most. It varies: 1.28 with 480 points a message here was 0.84 in another run.",
  );
  for (const case_ of isQuick ? GATEWAYS.slice(0, 1) : [...GATEWAYS, CAMERAS])
    for (const shards of [1, 2]) await measure(case_, times, shards);
}

async function measure(
  case_: Case,
  { warmupMs, measureMs }: Times,
  shards?: number,
): Promise<void> {
  const divided = { words: [`--shards=${shards}`, ...NO_BLOCKS], cores: ALL_CORES };
  await using loaded = await startLoaded(case_, shards === undefined ? {} : divided);
  const { running, producers } = loaded;
  await delay(warmupMs);
  for (const producer of producers) producer.takeLatenciesMs();
  const before = sample(running, producers);
  await delay(measureMs);
  const after = sample(running, producers);
  tell(shards, case_, { warmupMs, measureMs }, before, after, producers);
}

/** A collector, and producers that send to it. */
export interface Loaded extends AsyncDisposable {
  running: RunningGlassline;
  producers: readonly BenchProducer[];
}

export interface LoadedOptions {
  /** For the collector. */
  words?: readonly string[];
  /** Where the collector may run, if it is not a core of its own. */
  cores?: readonly number[];
  isPaced?: boolean;
  /** What the producers connect to, if it is not the collector itself. */
  portBefore?: (port: number) => Promise<number>;
}

export async function startLoaded(
  { streams, cameras, inFlight: inFlightMax }: Case,
  { words, cores, isPaced = false, portBefore = async (port) => port }: LoadedOptions = {},
): Promise<Loaded> {
  await using stack = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), "glassline-bench-"));
  stack.defer(() => rm(directory, { recursive: true, force: true }));
  const names = producerNames(streams);
  const running = stack.use(await startGlassline(directory, names, words, { cores }));
  const port = await portBefore(running.port);
  const producers = await Promise.all(
    names.map(async (name, at) => {
      const run = fleetRun(at * cameras, cameras, RUN_BATCHES);
      const identity = await readIdentity(running.pkiDir, name);
      return stack.use(new BenchProducer({ identity, port, run, inFlightMax, isPaced }));
    }),
  );
  const opened = stack.move();
  return { running, producers, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

interface Sample {
  atMs: number;
  cpuMs: number;
  ownCpuMs: number;
  batches: number;
  bytes: number;
  residentBytes: number;
}

function sample(running: RunningGlassline, producers: readonly BenchProducer[]): Sample {
  const { user, system } = process.cpuUsage();
  return {
    atMs: performance.now(),
    cpuMs: running.process.cpuMs(),
    ownCpuMs: (user + system) / 1_000,
    batches: producers.reduce((sum, { acknowledged }) => sum + acknowledged, 0),
    bytes: producers.reduce((sum, { bytes }) => sum + bytes, 0),
    residentBytes: running.process.residentBytes(),
  };
}

function tell(
  shards: number | undefined,
  { streams, cameras, inFlight }: Case,
  times: Times,
  from: Sample,
  to: Sample,
  producers: readonly BenchProducer[],
): void {
  const failure = producers.find((producer) => producer.failure)?.failure;
  if (failure !== undefined) throw new Error(`a producer failed: ${failure}`);
  const pointsPerMessage = cameras * SERIES.length;
  const given = { streams, pointsPerMessage, inFlight, ...times };
  const figure = (metric: string, value: number, unit: string) =>
    shards === undefined
      ? report(BENCH, metric, value, unit, { ...given, pinned: CAN_PIN })
      : report(SHARDS, metric, value, unit, { ...given, shards });
  const points = (to.batches - from.batches) * pointsPerMessage;
  const elapsedMs = to.atMs - from.atMs;
  const latencyMs = Float64Array.from(producers.flatMap((one) => one.takeLatenciesMs())).toSorted();
  figure("acknowledged", (1_000 * points) / elapsedMs, "points/s");
  figure("latency_p50", quantile(latencyMs, 0.5), "ms");
  figure("latency_p99", quantile(latencyMs, 0.99), "ms");
  figure("cpu_per_point", (1e6 * (to.cpuMs - from.cpuMs)) / points, "ns");
  figure("payload", (to.bytes - from.bytes) / points, "bytes/point");
  figure("cpu_of_producers", (100 * (to.ownCpuMs - from.ownCpuMs)) / elapsedMs, "%");
  figure("resident_memory", to.residentBytes / 2 ** 20, "MiB");
}
