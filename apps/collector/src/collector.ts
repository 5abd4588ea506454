/** A collector: receivers -> pipeline -> log; queries. Wires the parts together and owns them. */
import { join } from "node:path";

import { openApi } from "@glassline/proto/openapi";
import { jsonRoutes } from "@glassline/proto/json";
import { ControlService } from "@glassline/proto/control";
import { OtqmnService } from "@glassline/proto/otqmn";
import { QueryService } from "@glassline/proto/query";
import type { Implementation } from "@glassline/proto/rpc";
import { addService, grpcStatus } from "@glassline/proto/rpc";
import type { AppDeps } from "@glassline/service/app";
import type { Clock } from "@glassline/service/clock";
import { every } from "@glassline/service/clock";
import { GRPC_LIMITS, closeGrpc, listenGrpc } from "@glassline/service/grpc";
import { messageOf } from "@glassline/service/errors";
import { startAdmin } from "@glassline/service/http";
import type { Role } from "@glassline/service/identity";
import { mutualTlsServer, requirePeer } from "@glassline/service/tls";
import * as grpc from "@grpc/grpc-js";

import { startBalancerPort } from "./balancer-port.ts";
import { BlockStore } from "./blocks/block-store.ts";
import type { CollectorConfig } from "./config.ts";
import { createControl } from "./control.ts";
import { Fleet } from "./core/fleet.ts";
import { Producers } from "./core/producers.ts";
import { Traces } from "./core/traces.ts";
import type { CollectorMetrics } from "./metrics.ts";
import { collectorMetrics } from "./metrics.ts";
import type { Pipeline, Stores } from "./pipeline.ts";
import { createPipeline } from "./pipeline.ts";
import { checkpoints, recover } from "./recovery.ts";
import { createQuery } from "./query.ts";
import { forReaders } from "./query-access.ts";
import { createOtqmnReceiver } from "./receivers/otqmn.ts";
import type { OtlpParts, OtlpReceiver } from "./receivers/otlp.ts";
import { openTelemetryLog } from "./stores/open-log.ts";
import type { TelemetryLog } from "./stores/telemetry-log.ts";

const VERSION = "0.1.0";
const SWEEP_INTERVAL_MS = 1_000;
const FLEET_INTERVAL_MS = 5_000;
const FLEET_METRICS_MAX = 200;
const AGEING_INTERVAL_MS = 10_000;
const GRACE_MS = 1_000;
const CAMERAS_MAX = 200_000;
const SERIES_MAX_PER_CAMERA = 2_000;
const SERIES_MAX = 4_000_000;
const TRACES_MAX = 2_000;
const HOPS_MAX_PER_TRACE = 64;
/** 100,000 cameras with their headline values take about 15 MB. */
const ANSWER_LIMITS = { "grpc.max_send_message_length": 67_108_864 };
const PRODUCER_ROLES: readonly Role[] = ["mesh-node", "camera"];

export interface Collector extends AsyncDisposable {
  addresses: {
    port: number;
    adminPort: number;
    /** 0 when it is closed. */
    balancerPort: number;
    otlpGrpcPort: number;
    otlpHttpPort: number;
  };
}

export async function startCollector(config: CollectorConfig, deps: AppDeps): Promise<Collector> {
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
  });

  startSweeper({ ...stores, blocks }, deps.clock, metrics, stack);
  await startFromFile(config, deps, stores.log, stack);
  if (config.logAge > 0) startAgeing(stores.log, config.logAge, deps, stack);
  const ports = await startGrpc(config, deps, { pipeline, stores, metrics, query }, stack);
  const otlp = await startOtlp(config, { ...deps, pipeline, metrics }, stack);
  const admin = stack.use(
    await startAdmin(config, deps.metrics.registry, {
      routes: jsonRoutes(QueryService, query),
      openApi: openApi("Glassline collector", VERSION, [QueryService]),
    }),
  );
  const parts = stack.move();
  return {
    addresses: { ...ports, adminPort: admin.port, ...otlp },
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

/** What a file asks for beside settings. Before receivers, so that it ends after them. */
async function startFromFile(
  { config: file, dataDir, exportFrom }: CollectorConfig,
  deps: AppDeps,
  log: TelemetryLog,
  stack: AsyncDisposableStack,
): Promise<void> {
  if (!file) return;
  for (const note of file.notes) deps.logger.info({ note }, "configuration");
  const { exporters: settings, healthCheck } = file;
  const directory = join(dataDir, "exporters");
  const { startExporters } = await import("./exporters/exporters.ts");
  stack.use(await startExporters({ settings, directory, from: exportFrom, log }, deps));
  if (!healthCheck) return;
  const { startHealthCheck } = await import("./config-file/health-check.ts");
  stack.use(await startHealthCheck(healthCheck));
}

/** What nobody may send is not loaded either. */
async function startOtlp(
  config: CollectorConfig,
  parts: OtlpParts,
  stack: AsyncDisposableStack,
): Promise<OtlpReceiver["addresses"]> {
  const isOpen = config.otlpToken !== "" || config.otlpOpen;
  if (!isOpen) return { otlpGrpcPort: 0, otlpHttpPort: 0 };
  const receivers = await import("./receivers/otlp.ts");
  return stack.use(await receivers.startOtlp(config, parts)).addresses;
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
  const log = stack.use(
    await openTelemetryLog(
      config,
      { ...deps, metrics },
      checkpoints({ producers, fleet }, deps.clock),
    ),
  );
  for (const finding of log.findings) deps.logger.warn({ finding }, "log recovered");
  const traces = new Traces({ tracesMax: TRACES_MAX, hopsMax: HOPS_MAX_PER_TRACE });
  const stores = { log, fleet, traces, producers };
  const unreadable = await recover(stores);
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
    metrics.notShown.set({ kind: "points" }, fleet.unindexedPoints);
    metrics.notShown.set({ kind: "spans" }, traces.droppedHops);
    const states = [...fleet.cameras.values()].map(
      (camera) => fleet.health(camera, clock.nowMs()).state,
    );
    for (const state of ["live", "fault", "silent"] as const) {
      metrics.cameras.set({ state }, states.filter((other) => other === state).length);
    }
  });
}

interface Parts {
  pipeline: Pipeline;
  stores: Stores;
  metrics: CollectorMetrics;
  query: Implementation<typeof QueryService>;
}

async function startGrpc(
  config: CollectorConfig,
  deps: AppDeps,
  { pipeline, stores, metrics, query }: Parts,
  stack: AsyncDisposableStack,
): Promise<{ port: number; balancerPort: number }> {
  const receiver = createOtqmnReceiver({
    ...deps,
    pipeline,
    metrics,
    fleet: stores.fleet,
    producers: stores.producers,
    tracer: deps.tracerProvider.getTracer("collector"),
    ca: deps.identity.ca,
    streamLifetimeMs: config.streamLifetime,
    admissionsPerSecond: config.admissionRate,
  });
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
  addService(server, ControlService, createControl(receiver));
  const port = await listenGrpc(
    server,
    "OTQMN and query gRPC (--port)",
    config.host,
    config.port,
    mutualTlsServer(deps.identity),
  );
  stack.defer(async () => {
    receiver.drain();
    await closeGrpc(server, GRACE_MS);
    receiver[Symbol.dispose]();
  });
  return { port, balancerPort: await startBalancerPort(config, deps.identity, receiver, stack) };
}
