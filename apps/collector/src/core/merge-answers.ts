/** Answers of several shards as one. A camera may have been at one shard and be at another. Pure. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Series } from "@glassline/proto/camera";
import type {
  AggregateFleetResponse,
  AggregateFleetResponseSchema,
  Camera,
  GetLatestResponse,
  GetLatestResponseSchema,
  GetStatusResponse,
  GetStatusResponseSchema,
  GetTraceResponse,
  LatestSample,
  ListTracesResponse,
  ProducerStatus,
  QueryRangeResponse,
  SeriesRange,
  TraceSummary,
} from "@glassline/proto/query";

import { Points, inOrder, momentOf } from "./points.ts";
import { emptyCell, mergedCell } from "./rollup.ts";
import { thin } from "./thin.ts";
import type { Hop } from "./traces.ts";
import { summarise } from "./traces.ts";

/** Each camera once: what the shard says that has heard it last, and values that only others have. */
export function mergeCameras(answers: readonly { cameras: Camera[] }[]): Camera[] {
  const byId = new Map<string, Camera>();
  for (const { cameras } of answers)
    for (const camera of cameras) {
      const known = byId.get(camera.cameraId);
      byId.set(camera.cameraId, known ? mergedCamera(known, camera) : camera);
    }
  return [...byId.values()];
}

function mergedCamera(a: Camera, b: Camera): Camera {
  const [newer, older] = a.lastReceivedUnixNano >= b.lastReceivedUnixNano ? [a, b] : [b, a];
  return {
    ...newer,
    attributes: { ...older.attributes, ...newer.attributes },
    values: { ...older.values, ...newer.values },
    seriesCount: Math.max(a.seriesCount, b.seriesCount),
  };
}

export function mergeLatest(
  answers: readonly GetLatestResponse[],
): MessageInitShape<typeof GetLatestResponseSchema> {
  const bySeries = new Map<string, LatestSample>();
  for (const sample of answers.flatMap(({ samples }) => samples)) {
    const key = keyOf(sample.series);
    const known = bySeries.get(key);
    if (!known || known.timeUnixNano < sample.timeUnixNano) bySeries.set(key, sample);
  }
  const cameras = answers.flatMap(({ camera }) => camera ?? []);
  const camera = mergeCameras([{ cameras }])[0]!;
  const samples = [...bySeries.values()];
  return {
    camera: { ...camera, seriesCount: samples.length },
    samples,
    nowUnixNano: answers[0]!.nowUnixNano,
  };
}

/** @param maxPoints of a series; 0: as many as there are. */
export function mergeRanges(
  answers: readonly QueryRangeResponse[],
  maxPoints: number,
): SeriesRange[] {
  const bySeries = Map.groupBy(
    answers.flatMap(({ series }) => series),
    ({ series }) => keyOf(series),
  );
  return [...bySeries.values()].map((ranges) => mergedRange(ranges, maxPoints));
}

function mergedRange(ranges: readonly SeriesRange[], maxPoints: number): SeriesRange {
  const [first] = ranges;
  if (ranges.length === 1) return first!;
  const points = new Points();
  for (const { timeUnixNano, value } of ranges)
    for (const [at, time] of timeUnixNano.entries()) points.add(...momentOf(time), value[at]!);
  const kept = thin(inOrder(points), maxPoints);
  const places = Array.from({ length: kept.length }, (_, at) => at);
  return {
    ...first!,
    timeUnixNano: places.map((at) => kept.timeUnixNano(at)),
    value: places.map((at) => kept.values[at]!),
    thinned: kept.length < points.length || ranges.some(({ thinned }) => thinned),
  };
}

export function mergeAggregates(
  answers: readonly AggregateFleetResponse[],
): MessageInitShape<typeof AggregateFleetResponseSchema> {
  const cells = new Map<bigint, ReturnType<typeof emptyCell>>();
  for (const { timeUnixNano, count, sum, least, greatest } of answers)
    for (const [at, time] of timeUnixNano.entries()) {
      const cell = {
        count: Number(count[at]),
        sum: sum[at]!,
        least: least[at]!,
        greatest: greatest[at]!,
      };
      cells.set(time, mergedCell(cells.get(time) ?? emptyCell(), cell));
    }
  const steps = [...cells].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return {
    timeUnixNano: steps.map(([time]) => time),
    count: steps.map(([, { count }]) => BigInt(count)),
    sum: steps.map(([, { sum }]) => sum),
    least: steps.map(([, { least }]) => least),
    greatest: steps.map(([, { greatest }]) => greatest),
  };
}

/** Newest first. Of a trace whose spans are at several shards, the whole. */
export function mergeTraces(answers: readonly ListTracesResponse[], limit: number): TraceSummary[] {
  const byId = new Map<string, TraceSummary>();
  for (const summary of answers.flatMap(({ traces }) => traces)) {
    const known = byId.get(summary.traceId);
    byId.set(summary.traceId, known ? mergedSummary(known, summary) : summary);
  }
  return [...byId.values()]
    .toSorted((a, b) => (a.startUnixNano > b.startUnixNano ? -1 : 1))
    .slice(0, limit);
}

function mergedSummary(a: TraceSummary, b: TraceSummary): TraceSummary {
  const [first, second] = a.startUnixNano <= b.startUnixNano ? [a, b] : [b, a];
  const ends = [a, b].map(({ startUnixNano, durationNano }) => startUnixNano + durationNano);
  const end = ends[0]! > ends[1]! ? ends[0]! : ends[1]!;
  return {
    ...first,
    cameraId: first.cameraId || second.cameraId,
    durationNano: end - first.startUnixNano,
    spanCount: a.spanCount + b.spanCount,
    services: [...new Set([...first.services, ...second.services])],
  };
}

export function mergeTrace(
  traceId: string,
  answers: readonly GetTraceResponse[],
): { summary: ReturnType<typeof summarise>; hops: Hop[] } {
  const hops = new Map<string, Hop>();
  for (const hop of answers.flatMap((answer) => answer.hops))
    hops.set(hop.spanId, { ...hop, traceId });
  const ordered = [...hops.values()].toSorted((a, b) =>
    a.startUnixNano < b.startUnixNano ? -1 : 1,
  );
  return { summary: summarise({ traceId, hops: ordered }), hops: ordered };
}

export function mergeStatus(
  answers: readonly GetStatusResponse[],
): MessageInitShape<typeof GetStatusResponseSchema> {
  const total = (field: (one: GetStatusResponse) => bigint) =>
    answers.reduce((sum, one) => sum + field(one), 0n);
  const count = (field: (one: GetStatusResponse) => number) =>
    answers.reduce((sum, one) => sum + field(one), 0);
  const dropped: Record<string, bigint> = {};
  for (const [reason, value] of answers.flatMap((one) => Object.entries(one.dropped)))
    dropped[reason] = (dropped[reason] ?? 0n) + value;
  return {
    durability: answers[0]!.durability,
    startedUnixNano: answers.map((one) => one.startedUnixNano).reduce((a, b) => (a < b ? a : b)),
    logBytes: total((one) => one.logBytes),
    logMaxBytes: total((one) => one.logMaxBytes),
    logSegments: count((one) => one.logSegments),
    pointsStored: total((one) => one.pointsStored),
    batchesStored: total((one) => one.batchesStored),
    logRecordsStored: total((one) => one.logRecordsStored),
    spansStored: total((one) => one.spansStored),
    replays: total((one) => one.replays),
    dropped,
    producers: mergeProducers(answers.flatMap((one) => one.producers)),
    cameras: count((one) => one.cameras),
    series: count((one) => one.series),
    startFindings: answers.flatMap((one, shard) =>
      one.startFindings.map((finding) => `shard ${shard}: ${finding}`),
    ),
    // A shard that stores nothing is not hidden by others that do.
    notStoredMs: answers.map((one) => one.notStoredMs).reduce((a, b) => (a > b ? a : b)),
  };
}

function mergeProducers(all: readonly ProducerStatus[]): ProducerStatus[] {
  const byKey = Map.groupBy(all, ({ producer, incarnation }) => `${producer} ${incarnation}`);
  return [...byKey.values()].map((states) => ({
    ...states[0]!,
    durableSeq: states.reduce(
      (most, { durableSeq }) => (durableSeq > most ? durableSeq : most),
      0n,
    ),
    connected: states.some(({ connected }) => connected),
  }));
}

function keyOf(series: Series | undefined): string {
  if (!series) return "";
  const { metric, unit, kind, attributes } = series;
  const sorted = Object.entries(attributes).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([metric, unit, kind, sorted]);
}
