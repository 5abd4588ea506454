/** One log and its surroundings: receivers -> pipeline -> log; queries. Wires the parts together and owns them. */
import { join } from "node:path";

import { ControlService } from "@glassline/proto/control";
import { OtqmnService } from "@glassline/proto/otqmn";
import { QueryService } from "@glassline/proto/query";
import type { Implementation } from "@glassline/proto/rpc";
import { addService, grpcStatus } from "@glassline/proto/rpc";
import type { AppDeps } from "@glassline/service/app";
import type { Clock } from "@glassline/service/clock";
import { every } from "@glassline/service/clock";
import { GRPC_LIMITS, closeGrpc } from "@glassline/service/grpc";
import { messageOf } from "@glassline/service/errors";
import type { Identity, Role } from "@glassline/service/identity";
import { mutualTlsServer, requirePeer } from "@glassline/service/tls";
import * as grpc from "@grpc/grpc-js";

import { startBalancerPort } from "./balancer-port.ts";
import { BlockStore } from "./blocks/block-store.ts";
import type { CollectorConfig } from "./config.ts";
import { Checkpoints } from "./checkpoints.ts";
import { createControl } from "./control.ts";
import type { Doors, LimitOf } from "./doors.ts";
import { listening, openDoors, takesOtlp } from "./doors.ts";
import { Fleet } from "./core/fleet.ts";
import { Producers } from "./core/producers.ts";
import { NOT_SHOWN_REASONS } from "./core/slotted-points.ts";
import { Traces } from "./core/traces.ts";
import type { CollectorMetrics } from "./metrics.ts";
import { limitMemory } from "./process-memory.ts";
import { collectorMetrics } from "./metrics.ts";
import type { Stores } from "./pipeline.ts";
import { createPipeline } from "./pipeline.ts";
import { recover } from "./recovery.ts";
import { createQuery } from "./query.ts";
import { forOpsBot, forReaders } from "./access.ts";
import type { Claim } from "./receivers/otqmn-stream.ts";
import type { OtqmnReceiver } from "./receivers/otqmn.ts";
import { createOtqmnReceiver } from "./receivers/otqmn.ts";
import type { OtlpParts, OtlpReceiver } from "./receivers/otlp.ts";
import type { Restart } from "./restart.ts";
import { openTelemetryLog } from "./stores/open-log.ts";
import type { TelemetryLog } from "./stores/telemetry-log.ts";

const SWEEP_INTERVAL_MS = 1_000;
const FLEET_INTERVAL_MS = 5_000;
const FLEET_METRICS_MAX = 200;
const CATALOGUE_INTERVAL_MS = 50;
const AGEING_INTERVAL_MS = 10_000;
const GRACE_MS = 1_000;
const STREAMS_MAX = 10_000;
const CAMERAS_MAX = 200_000;
const SERIES_MAX_PER_CAMERA = 2_000;
const SERIES_MAX = 4_000_000;
const TRACES_MAX = 2_000;
const HOPS_MAX_PER_TRACE = 64;
/** 100,000 cameras with their headline values take about 15 MB. */
const ANSWER_LIMITS = { "grpc.max_send_message_length": 67_108_864 };
const PRODUCER_ROLES: readonly Role[] = ["mesh-node", "camera"];

/** Where an engine stands: alone, or as one of several shards. */
export interface Surroundings {
  doors: Doors;
  claim: Claim;
  restart: Restart;
  /** Who answers those that ask by the door of producers, when it is not the engine itself. */
  query?: Implementation<typeof QueryService>;
  control?: Implementation<typeof ControlService>;
}

/** Listens by itself, and needs nobody's leave to store. */
export function alone(limitOf: LimitOf, restart: Restart): Surroundings {
  return { doors: listening(limitOf), claim: async () => 0, restart };
}

export interface Engine extends AsyncDisposable {
  /** Ports; 0 when a door is closed, or another process listens. */
  addresses: { port: number; balancerPort: number; otlpGrpcPort: number; otlpHttpPort: number };
  stores: Stores;
  receiver: OtqmnReceiver;
  query: Implementation<typeof QueryService>;
  control: Implementation<typeof ControlService>;
}

/** One log with all that fills it and answers from it. */
export async function startEngine(
  config: CollectorConfig,
  deps: AppDeps,
  { doors, claim, restart, ...others }: Surroundings,
): Promise<Engine> {
  await using stack = new AsyncDisposableStack();
  const metrics = collectorMetrics(deps.metrics);
  const startedUnixNano = deps.clock.nowUnixNano();
  const stores = await openStores(config, stack, deps, metrics);
  const pipeline = createPipeline(stores, deps.clock, metrics);
  const blocks = stack.use(
    await BlockStore.open({
      ...deps,
      directory: join(config.dataDir, stores.log.blocksFolder),
      log: stores.log,
      metrics,
    }),
  );
  const query = createQuery({
    ...stores,
    clock: deps.clock,
    metrics,
    blocks,
    startedUnixNano,
    logMaxBytes: config.logSize,
    forgetAfterMs: config.forgetAfter,
    notStoredMs: () => pipeline.notStoredMs(),
  });

  startSweeper({ ...stores, blocks }, deps.clock, metrics, stack);
  await followLog(config, deps, stores.log, stack);
  if (config.logAge > 0) startAgeing(stores.log, config.logAge, deps, stack);
  const memoryLimit = limitMemory(
    config.memoryLimit,
    { fleet: stores.fleet, clock: deps.clock, metrics },
    stack,
  );
  const tracer = deps.tracerProvider.getTracer("collector");
  const receiver = createOtqmnReceiver({
    ...deps,
    pipeline,
    metrics,
    fleet: stores.fleet,
    producers: stores.producers,
    tracer,
    streamLifetimeMs: config.streamLifetime,
    admissionsPerSecond: config.admissionRate,
    claim,
    streamsMax: STREAMS_MAX,
    memoryBytes: config.otqmnMemory,
    decodersBytes: config.otqmnDecoders,
    memoryLimit,
  });
  stack.defer(() => receiver[Symbol.dispose]());
  const services = { query, control: createControl(receiver, restart) };
  const { identity } = deps;
  const port = await startOtqmn(
    config,
    { doors, identity, receiver, ...services, ...others },
    stack,
  );
  const balancerPort = await startBalancerPort(config, { doors, identity, receiver }, stack);
  const otlp = await openOtlp(
    config,
    { identity, tracer, doors, pipeline, metrics, memoryLimit },
    stack,
  );
  const parts = stack.move();
  return {
    addresses: { port, balancerPort, ...otlp },
    stores,
    receiver,
    ...services,
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

/** Exporters. Before receivers, so that they end after them. */
async function followLog(
  { config: file, dataDir, exportFrom }: CollectorConfig,
  deps: AppDeps,
  log: TelemetryLog,
  stack: AsyncDisposableStack,
): Promise<void> {
  if (!file) return;
  const { exporters: settings } = file;
  const directory = join(dataDir, "exporters");
  const { startExporters } = await import("./exporters/exporters.ts");
  stack.use(await startExporters({ settings, directory, from: exportFrom, log }, deps));
}

async function openStores(
  config: CollectorConfig,
  stack: AsyncDisposableStack,
  deps: AppDeps,
  metrics: CollectorMetrics,
): Promise<Stores> {
  const producers = new Producers();
  const fleet = new Fleet({
    recentWindowMs: config.recentWindow,
    recentMaxBytes: config.recentSize,
    silenceLimitMs: config.silenceLimit,
    forgetAfterMs: config.forgetAfter,
    seriesMaxPerCamera: SERIES_MAX_PER_CAMERA,
    seriesMax: SERIES_MAX,
    camerasMax: CAMERAS_MAX,
  });
  const checkpoints = new Checkpoints({ producers, fleet }, deps.clock);
  const head = (index: number) => checkpoints.head(index);
  const log = stack.use(await openTelemetryLog(config, { ...deps, metrics }, head));
  for (const finding of log.findings) deps.logger.warn({ finding }, "log recovered");
  const traces = new Traces({ tracesMax: TRACES_MAX, hopsMax: HOPS_MAX_PER_TRACE });
  const stores = { log, fleet, traces, producers };
  const { firstIndex, unreadable } = await recover(stores);
  checkpoints.begin(firstIndex, log.segments.at(-1)!.firstIndex);
  const stop = new AbortController();
  stack.defer(() => stop.abort());
  void every(deps.clock, CATALOGUE_INTERVAL_MS, stop.signal, () => checkpoints.work());
  if (unreadable > 0)
    deps.logger.error({ unreadable }, "records of the log could not be read; they are left in it");
  return stores;
}

/** Segments that are too old go. A failure passes: the next time they go. */
function startAgeing(
  log: TelemetryLog,
  maxAgeMs: number,
  { clock, logger }: AppDeps,
  stack: AsyncDisposableStack,
): void {
  const stop = new AbortController();
  stack.defer(() => stop.abort());
  void every(clock, AGEING_INTERVAL_MS, stop.signal, () =>
    log
      .dropOlderThan(clock.nowMs() - maxAgeMs)
      .catch((error: unknown) => logger.warn({ reason: messageOf(error) }, "old data is kept")),
  );
}

/** Aggregates for Prometheus: the metrics first by name, four series each. */
function showFleet(fleet: Fleet, nowMs: number, metrics: CollectorMetrics): void {
  const latest = [...fleet.latestByMetric(nowMs)].toSorted(([a], [b]) => (a < b ? -1 : 1));
  metrics.fleetLatest.reset();
  for (const [metric, cell] of latest.slice(0, FLEET_METRICS_MAX)) {
    for (const stat of ["count", "sum", "least", "greatest"] as const)
      metrics.fleetLatest.set({ metric, stat }, cell[stat]);
  }
  metrics.fleetMetricsNotShown.set(Math.max(0, latest.length - FLEET_METRICS_MAX));
}

function startSweeper(
  { log, fleet, traces, blocks }: Stores & { blocks: BlockStore },
  clock: Clock,
  metrics: CollectorMetrics,
  stack: AsyncDisposableStack,
): void {
  const stop = new AbortController();
  stack.defer(() => stop.abort());
  void every(clock, FLEET_INTERVAL_MS, stop.signal, () => showFleet(fleet, clock.nowMs(), metrics));
  void every(clock, SWEEP_INTERVAL_MS, stop.signal, () => {
    blocks.sweep();
    fleet.sweep(clock.nowMs(), (firstIndex) => blocks.isStored(firstIndex));
    metrics.logBytes.set(log.bytes);
    metrics.logSegments.set(log.segments.length);
    metrics.series.set(fleet.table.seriesCount);
    metrics.recentBytes.set(fleet.recent.bytes);
    for (const reason of NOT_SHOWN_REASONS)
      metrics.notShown.set({ kind: "points", reason }, fleet.notShown(reason));
    metrics.notShown.set({ kind: "spans", reason: "hops_of_trace" }, traces.droppedHops);
    const states = fleet.camerasHere.map((camera) => fleet.health(camera, clock.nowMs()).state);
    for (const state of ["live", "fault", "silent"] as const) {
      metrics.cameras.set({ state }, states.filter((other) => other === state).length);
    }
  });
}

/** What nobody may send is not loaded either. */
async function openOtlp(
  config: CollectorConfig,
  parts: OtlpParts,
  stack: AsyncDisposableStack,
): Promise<OtlpReceiver["addresses"]> {
  if (!takesOtlp(config)) return { otlpGrpcPort: 0, otlpHttpPort: 0 };
  const receivers = await import("./receivers/otlp.ts");
  return stack.use(await receivers.startOtlp(config, parts)).addresses;
}

interface OtqmnParts extends Pick<Engine, "receiver" | "query" | "control"> {
  doors: Doors;
  identity: Identity;
}

async function startOtqmn(
  config: CollectorConfig,
  { doors, identity, receiver, query, control }: OtqmnParts,
  stack: AsyncDisposableStack,
): Promise<number> {
  const server = new grpc.Server({ ...GRPC_LIMITS, ...ANSWER_LIMITS });
  addService(server, OtqmnService, {
    stream: (call) => {
      try {
        requirePeer(call, PRODUCER_ROLES);
        receiver.accept(call);
      } catch (error) {
        call.emit("error", grpcStatus(error));
      }
    },
  });
  addService(server, QueryService, forReaders(query));
  addService(server, ControlService, forOpsBot(control));
  const port = await doors.grpc(openDoors(config).otqmn!, server, mutualTlsServer(identity));
  stack.defer(async () => {
    receiver.drain();
    await closeGrpc(server, GRACE_MS);
  });
  return port;
}
