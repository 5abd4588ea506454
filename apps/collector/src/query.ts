/** The query API: memory for what is recent, the log for what is older. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Series } from "@glassline/otqmn/sample";
import { SeriesKind } from "@glassline/proto/camera";
import { RpcError } from "@glassline/proto/errors";
import type {
  Camera,
  GetStatusResponseSchema,
  ListCamerasRequest,
  ListCamerasResponseSchema,
  QueryRangeRequest,
  QueryService,
  SeriesRangeSchema,
} from "@glassline/proto/query";
import { CameraState as WireState } from "@glassline/proto/query";
import type { Implementation } from "@glassline/proto/rpc";
import type { Clock } from "@glassline/service/clock";
import { totalOf, valuesByLabel } from "@glassline/service/metrics";

import type { BlockStore } from "./blocks/block-store.ts";
import type { Fleet } from "./core/fleet.ts";
import type { Point } from "./core/points.ts";
import type { CameraState } from "./core/series-table.ts";
import { thin } from "./core/thin.ts";
import { LATEST_TIME } from "./core/times.ts";
import { summarise } from "./core/traces.ts";
import { aggregateFleet } from "./fleet-query.ts";
import { listGaps } from "./gap-query.ts";
import type { CollectorMetrics } from "./metrics.ts";
import type { Stores } from "./pipeline.ts";
import { seriesPoints } from "./series-points.ts";

const HEADLINE_METRICS_MAX = 16;
const TRACES_DEFAULT = 100;
const TRACES_MAX = 1_000;
const POINTS_MAX = 100_000;

const WIRE_KINDS = {
  gauge: SeriesKind.GAUGE,
  counter: SeriesKind.COUNTER,
  state: SeriesKind.STATE,
} as const;
const WIRE_STATES = {
  live: WireState.LIVE,
  fault: WireState.FAULT,
  silent: WireState.SILENT,
} as const;

export interface QueryDeps extends Stores {
  clock: Clock;
  metrics: CollectorMetrics;
  blocks: BlockStore;
  startedUnixNano: bigint;
  logMaxBytes: number;
  /** A camera that has been silent for so long is not listed. */
  forgetAfterMs: number;
}

export function createQuery(deps: QueryDeps): Implementation<typeof QueryService> {
  const { fleet, traces, clock } = deps;
  return {
    listCameras: async (request) => listCameras(deps, request),
    getLatest: async ({ cameraId }) => {
      const camera = requireCamera(fleet, cameraId);
      const samples = camera.slots.flatMap((slot) => {
        const latest = fleet.table.latest(slot);
        return latest ? [{ series: wireSeries(fleet.table.series(slot)), ...latest }] : [];
      });
      return {
        camera: wireCamera(fleet, camera, clock.nowMs(), []),
        samples,
        nowUnixNano: clock.nowUnixNano(),
      };
    },
    queryRange: async (request, { signal }) => ({
      series: await queryRange(deps, request, signal),
      nowUnixNano: clock.nowUnixNano(),
    }),
    aggregateFleet: (request, { signal }) => aggregateFleet(deps, request, signal),
    listGaps: (request, { signal }) => listGaps(deps, request, signal),
    listTraces: async ({ limit, cameraId }) => ({
      traces: traces.summaries(
        Math.min(limit || TRACES_DEFAULT, TRACES_MAX),
        cameraId,
        clock.nowMs(),
      ),
    }),
    getTrace: async ({ traceId }) => {
      const hops = traces.hops(traceId);
      if (!hops)
        throw new RpcError(
          "not_found",
          `trace ${JSON.stringify(traceId)}: not among the recent ones`,
        );
      return { summary: summarise({ traceId, hops }), hops };
    },
    getStatus: () => status(deps),
  };
}

export function listCameras(
  { fleet, clock, forgetAfterMs }: Pick<QueryDeps, "fleet" | "clock" | "forgetAfterMs">,
  { metrics }: ListCamerasRequest,
): MessageInitShape<typeof ListCamerasResponseSchema> {
  if (metrics.length > HEADLINE_METRICS_MAX) {
    throw new RpcError(
      "invalid_argument",
      `metrics: got ${metrics.length}, expected at most ${HEADLINE_METRICS_MAX}`,
    );
  }
  const nowMs = clock.nowMs();
  const cameras = [...fleet.cameras.values()]
    .filter(({ lastReceivedMs }) => nowMs - lastReceivedMs < forgetAfterMs)
    .map((camera) => wireCamera(fleet, camera, nowMs, metrics));
  return { cameras, nowUnixNano: clock.nowUnixNano() };
}

function requireCamera(fleet: Fleet, cameraId: string): CameraState {
  if (cameraId === "")
    throw new RpcError("invalid_argument", "camera_id: got nothing, expected the id of a camera");
  const camera = fleet.cameras.get(cameraId);
  if (!camera)
    throw new RpcError("not_found", `camera ${JSON.stringify(cameraId)}: nothing has come from it`);
  return camera;
}

function wireCamera(
  fleet: Fleet,
  camera: CameraState,
  nowMs: number,
  metrics: readonly string[],
): Camera {
  const health = fleet.health(camera, nowMs);
  const values: Record<string, number> = {};
  for (const metric of metrics) {
    const latest = fleet.latestOf(camera, metric);
    if (latest !== undefined) values[metric] = latest;
  }
  // A whole message: of 100,000 cameras none has to be made a second time.
  return {
    $typeName: "glassline.query.v1alpha1.Camera",
    cameraId: camera.cameraId,
    state: WIRE_STATES[health.state],
    reason: health.state === "live" ? "" : health.reason,
    lastReceivedUnixNano: BigInt(Math.round(camera.lastReceivedMs)) * 1_000_000n,
    attributes: camera.attributes,
    seriesCount: camera.slots.length,
    values,
  };
}

function wireSeries({ cameraId, metric, unit, kind, attributes }: Series) {
  return { cameraId, metric, unit, kind: WIRE_KINDS[kind], attributes };
}

async function queryRange(
  deps: QueryDeps,
  { cameraId, metric, attributes, fromUnixNano: from, toUnixNano, maxPoints }: QueryRangeRequest,
  signal: AbortSignal,
): Promise<MessageInitShape<typeof SeriesRangeSchema>[]> {
  const to = toUnixNano || LATEST_TIME;
  if (from > to)
    throw new RpcError(
      "invalid_argument",
      `from_unix_nano: got ${from}, expected at most to_unix_nano ${to}`,
    );
  const found = await seriesPoints(deps, { cameraId, metric, from, to }, signal);
  const wanted = found.filter(({ series }) => hasAttributes(series, attributes));
  if (wanted.length === 0) {
    // One that was forgotten still has what is in blocks.
    requireCamera(deps.fleet, cameraId);
    throw new RpcError(
      "not_found",
      `metric ${JSON.stringify(metric)}: camera ${cameraId} has no such series`,
    );
  }
  return wanted.map(({ series, points }) => wireRange(series, points, maxPoints));
}

function wireRange(
  series: Series,
  points: Point[],
  maxPoints: number,
): MessageInitShape<typeof SeriesRangeSchema> {
  const kept = thin(points, Math.min(maxPoints || POINTS_MAX, POINTS_MAX));
  return {
    series: wireSeries(series),
    timeUnixNano: kept.map(({ timeUnixNano }) => BigInt.asUintN(64, timeUnixNano)),
    value: kept.map(({ value }) => value),
    thinned: kept.length < points.length,
  };
}

function hasAttributes(series: Series, attributes: Readonly<Record<string, string>>): boolean {
  return Object.entries(attributes).every(([key, value]) => series.attributes[key] === value);
}

async function status({
  log,
  fleet,
  producers,
  metrics,
  startedUnixNano,
  logMaxBytes,
}: QueryDeps): Promise<MessageInitShape<typeof GetStatusResponseSchema>> {
  return {
    durability: log.durability,
    startedUnixNano,
    logBytes: BigInt(log.bytes),
    logMaxBytes: BigInt(logMaxBytes),
    logSegments: log.segments.length,
    pointsStored: await totalOf(metrics.points),
    batchesStored: await totalOf(metrics.batches),
    logRecordsStored: await totalOf(metrics.logRecords),
    spansStored: await totalOf(metrics.spans),
    replays: await totalOf(metrics.replays),
    dropped: await valuesByLabel(metrics.dropped, "reason"),
    producers: producers.all.map(({ producer, incarnation, durableSeq, connected }) => ({
      producer,
      incarnation: Buffer.from(incarnation).toString("hex"),
      durableSeq: BigInt(durableSeq),
      connected,
    })),
    cameras: fleet.cameras.size,
    series: fleet.table.seriesCount,
    startFindings: [...log.findings],
  };
}
