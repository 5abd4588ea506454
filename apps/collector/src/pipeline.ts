/**
 * The way of data through the collector, on one screen: received -> appended to the log -> durable -> shown by queries ->
 * acknowledged. Receivers call it and cannot know what is behind.
 */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { fromBinary } from "@bufbuild/protobuf";
import { STREAM_LIMITS } from "@glassline/otqmn/limits";
import type { CameraFacts } from "@glassline/otqmn/sample";
import { EMPTY_BUNDLE } from "@glassline/otqmn/sample";
import { decodeBundle, encodeBundle } from "@glassline/otqmn/whole-bundle";
import { ExportTraceServiceRequestSchema } from "@glassline/proto/otlp/trace-service";
import type { Checkpoint, CheckpointSchema, LogRecord } from "@glassline/proto/storage";
import type { Clock } from "@glassline/service/clock";

import type { Catalogue } from "./core/catalogue.ts";
import { catalogueOf } from "./core/catalogue.ts";
import type { Fleet } from "./core/fleet.ts";
import { hopsOf } from "./core/otlp.ts";
import type { ProducerState, Producers } from "./core/producers.ts";
import { RecordReader, readMetrics } from "./core/record-reader.ts";
import { RunStarts } from "./core/run-starts.ts";
import type { SlottedPoints } from "./core/slotted-points.ts";
import type { Hop, Traces } from "./core/traces.ts";
import type { CollectorMetrics } from "./metrics.ts";
import type { TelemetryLog } from "./stores/telemetry-log.ts";

export interface ReceivedBatch {
  seq: number;
  keySeq: number;
  payload: Uint8Array;
  cameras: readonly CameraFacts[];
  points: SlottedPoints;
}

export interface Pipeline {
  /** Called when a segment of the log has begun. */
  onSegment(listener: () => void): void;
  /** Whether a batch may build on the producer's run: retention must not reach the key batch while it goes on. */
  keepsRun(producer: ProducerState): boolean;
  /** Resolves when the batch is durable. Rejects with LogRefusal. */
  appendBatch(producer: ProducerState, batch: ReceivedBatch): Promise<void>;
  /** @param request ExportMetricsServiceRequest. @returns how many points were rejected. */
  appendMetrics(request: Uint8Array): Promise<number>;
  /** @param request ExportTraceServiceRequest. */
  appendTraces(request: Uint8Array): Promise<void>;
}

export interface Stores {
  log: TelemetryLog;
  fleet: Fleet;
  traces: Traces;
  producers: Producers;
}

export function createPipeline(
  { log, fleet, traces }: Stores,
  clock: Clock,
  metrics: CollectorMetrics,
): Pipeline {
  const listeners: (() => void)[] = [];
  let isRolling = false;
  /** Stored: memory follows. */
  const show = (index: number, add: () => void) => {
    const isNew = fleet.recent.beginSegment(segmentOf(log, index));
    add();
    if (isNew) {
      isRolling = false;
      listeners.forEach((listener) => listener());
    }
    // The segment that is written has to leave memory some day: by then it is closed, and in a block.
    if (isRolling || !fleet.wantsRoll) return;
    isRolling = true;
    void log.roll();
  };
  return {
    onSegment: (listener) => void listeners.push(listener),
    keepsRun: ({ runIndex }) =>
      runIndex >= (log.segments.at(-RUN_SEGMENTS_MAX) ?? log.segments[0]!).firstIndex,

    async appendBatch(producer, { seq, keySeq, payload, cameras, points }) {
      const receivedUnixNano = clock.nowUnixNano();
      const { producer: name, incarnation } = producer;
      const value = {
        producer: name,
        incarnation,
        seq: BigInt(seq),
        keySeq: BigInt(keySeq),
        payload,
      };
      if (seq === keySeq) producer.runIndex = UNDER_WAY;
      const index = await log.append({ receivedUnixNano, record: { case: "batch", value } });
      producer.durableSeq = seq;
      if (seq === keySeq) producer.runIndex = index;
      const receivedMs = msOf(receivedUnixNano);
      show(index, () => {
        fleet.addFacts(cameras, receivedMs);
        fleet.add(index, points, receivedMs);
      });
      metrics.batches.inc();
      metrics.points.inc({ receiver: "otqmn" }, points.slots.length);
    },

    async appendMetrics(request) {
      const receivedUnixNano = clock.nowUnixNano();
      const { points, rejected } = readMetrics(request);
      const index = await log.append({
        receivedUnixNano,
        record: { case: "otlpMetrics", value: request },
      });
      show(index, () => fleet.addRecord(index, points, msOf(receivedUnixNano)));
      metrics.points.inc({ receiver: "otlp" }, points.value.length);
      metrics.dropped.inc({ reason: "otlp_point_without_name_or_value" }, rejected);
      return rejected;
    },

    async appendTraces(request) {
      const hops = hopsOf(fromBinary(ExportTraceServiceRequestSchema, request).resourceSpans);
      await log.append({
        receivedUnixNano: clock.nowUnixNano(),
        record: { case: "otlpTraces", value: request },
      });
      for (const hop of hops) traces.add(hop, clock.nowMs());
      metrics.spans.inc(hops.length);
    },
  };
}

/** A run goes on over at most about so many segments. */
const RUN_SEGMENTS_MAX = 4;

/** Index of a key batch that the log does not have yet. */
const UNDER_WAY = Number.MAX_SAFE_INTEGER;

/** The first index of the segment that holds a record. */
function segmentOf({ segments }: TelemetryLog, index: number): number {
  return segments.findLast(({ firstIndex }) => firstIndex <= index)!.firstIndex;
}

/** Segments behind the last that a start reads to have recent points at hand. */
const RECOVERED_SEGMENTS = 2;

/**
 * Reads the newest segments of the log into memory, as if their records had just become durable.
 * @returns how many records could not be read; they stay in the log.
 */
export async function recover({ log, fleet, traces, producers }: Stores): Promise<number> {
  let unreadable = 0;
  const { firstIndex } = log.segments.at(-RECOVERED_SEGMENTS) ?? log.segments[0]!;
  const reader = new RecordReader();
  for await (const { index, record } of log.read(await runsFrom(log, firstIndex))) {
    recoverProducers(record, producers);
    try {
      const points = reader.read(record);
      if (index < firstIndex) continue;
      fleet.recent.beginSegment(segmentOf(log, index));
      if (record.record.case === "checkpoint") fleet.restore(catalogueIn(record.record.value));
      if (points) fleet.addRecord(index, points, msOf(record.receivedUnixNano));
      for (const hop of hopsOfRecord(record)) traces.add(hop, msOf(record.receivedUnixNano));
    } catch {
      if (index >= firstIndex) unreadable++;
    }
  }
  return unreadable;
}

/** The first index of the segment with which the oldest run begins that goes on behind `firstIndex`. */
async function runsFrom(log: TelemetryLog, firstIndex: number): Promise<number> {
  const starts = new RunStarts();
  const segments = log.segments.map((segment) => segment.firstIndex);
  for (let at = segments.length - 1; at >= 0; at--) {
    const first = segments[at]!;
    if (first < firstIndex && starts.areKnown) return segments[at + 1]!;
    starts.add(await Array.fromAsync(log.read(first, segments[at + 1]), ({ record }) => record));
  }
  return segments[0]!;
}

function hopsOfRecord({ record }: LogRecord): Hop[] {
  if (record.case !== "otlpTraces") return [];
  return hopsOf(fromBinary(ExportTraceServiceRequestSchema, record.value).resourceSpans);
}

/** The catalogue may hold more series than a batch. */
const CATALOGUE_LIMITS = { ...STREAM_LIMITS, batchMaxBytes: 12_582_912 };
const CATALOGUE_SERIES_MAX = 100_000;

/** What the head of a segment says: who has sent how much, and what the fleet is. */
export function checkpointOf({
  producers,
  fleet,
}: Pick<Stores, "producers" | "fleet">): MessageInitShape<typeof CheckpointSchema> {
  const { bundle, lastReceivedMs } = catalogueOf(fleet, CATALOGUE_SERIES_MAX);
  const received = [...lastReceivedMs].map(([cameraId, ms]) => [
    cameraId,
    BigInt(Math.round(ms)) * 1_000_000n,
  ]);
  return {
    producers: producers.all.map(({ producer, incarnation, durableSeq }) => ({
      producer,
      incarnation,
      durableSeq: BigInt(durableSeq),
    })),
    catalogue: encodeBundle(bundle),
    lastReceivedUnixNano: Object.fromEntries(received) as Record<string, bigint>,
  };
}

function catalogueIn({ catalogue, lastReceivedUnixNano }: Checkpoint): Catalogue {
  const received = Object.entries(lastReceivedUnixNano).map(
    ([cameraId, nano]) => [cameraId, msOf(nano)] as const,
  );
  const bundle = catalogue.length === 0 ? EMPTY_BUNDLE : decodeBundle(catalogue, CATALOGUE_LIMITS);
  return { bundle, lastReceivedMs: new Map(received) };
}

function recoverProducers({ record }: LogRecord, producers: Producers): void {
  const marks = record.case === "checkpoint" ? record.value.producers : [];
  for (const mark of marks)
    producers.admit(mark.producer, mark.incarnation, Number(mark.durableSeq));
  if (record.case === "batch")
    producers.admit(record.value.producer, record.value.incarnation, Number(record.value.seq));
}

function msOf(unixNano: bigint): number {
  return Number(unixNano / 1_000_000n);
}
