/** What a start reads from the log, and what it finds there: the checkpoint at the head of each segment. */
import { fromBinary } from "@bufbuild/protobuf";
import { decodeBundle } from "@glassline/otqmn/whole-bundle";
import { ExportTraceServiceRequestSchema } from "@glassline/proto/otlp/trace-service";
import type { Checkpoint, LogRecord } from "@glassline/proto/storage";

import { CATALOGUE_LIMITS } from "./checkpoints.ts";
import type { Catalogue } from "./core/catalogue.ts";
import { hopsOf } from "./core/otlp.ts";
import type { ProducerState, Producers } from "./core/producers.ts";
import { RecordReader } from "./core/record-reader.ts";
import { RUN_SEGMENTS_MAX, RunStarts } from "./core/run-starts.ts";
import { msOf } from "./core/times.ts";
import type { Hop } from "./core/traces.ts";
import type { Stores } from "./pipeline.ts";
import type { TelemetryLog } from "./stores/telemetry-log.ts";
import { segmentOf } from "./stores/telemetry-log.ts";

/** Segments behind the last that a start reads to have recent points at hand. */
const RECOVERED_SEGMENTS = 2;

/**
 * Reads the newest segments of the log into memory, as if their records had just become durable.
 * @returns from where on it has read, and how many records could not be read; they stay in the log.
 */
export async function recover({
  log,
  fleet,
  traces,
  producers,
}: Stores): Promise<{ firstIndex: number; unreadable: number }> {
  let unreadable = 0;
  const newest = log.segments.at(-RECOVERED_SEGMENTS) ?? log.segments[0]!;
  const firstIndex = await catalogueBefore(log, newest.firstIndex);
  const reader = new RecordReader();
  for await (const { index, record } of log.read(await runsFrom(log, firstIndex))) {
    const by = recoverProducers(record, producers);
    try {
      const points = reader.read(record);
      if (index < firstIndex) continue;
      if (fleet.recent.beginSegment(segmentOf(log, index))) fleet.trim();
      if (record.record.case === "checkpoint")
        for (const catalogue of cataloguesIn(record.record.value)) fleet.restore(catalogue);
      if (points) fleet.addRecord(index, points, msOf(record.receivedUnixNano), by);
      for (const hop of hopsOfRecord(record)) traces.add(hop, msOf(record.receivedUnixNano));
    } catch {
      if (index >= firstIndex) unreadable++;
    }
  }
  return { firstIndex, unreadable };
}

/** The first index of the segment from which on the log tells all that is known at `firstIndex`, which is that of a segment. */
export async function catalogueBefore(log: TelemetryLog, firstIndex: number): Promise<number> {
  for await (const { record } of log.read(firstIndex)) {
    const { record: head } = record;
    const index = head.case === "checkpoint" ? Number(head.value.catalogueIndex) : 0;
    return index > 0 ? Math.max(index, log.segments[0]!.firstIndex) : firstIndex;
  }
  return firstIndex;
}

/**
 * The first index of the segment with which the oldest run begins that goes on behind `firstIndex`, which is that of a segment.
 * @param segmentsMax how many segments from there on are looked at.
 */
export async function runsFrom(
  log: TelemetryLog,
  firstIndex: number,
  segmentsMax = Number.POSITIVE_INFINITY,
): Promise<number> {
  const starts = new RunStarts();
  const all = log.segments.map((segment) => segment.firstIndex);
  const segments = all.slice(0, all.indexOf(firstIndex) + segmentsMax);
  const endIndex = all[segments.length];
  // One that is not found in so many has rotted: the rest of the log need not be read for it.
  const least = all.indexOf(firstIndex) - 2 * RUN_SEGMENTS_MAX;
  for (let at = segments.length - 1; at >= Math.max(0, least); at--) {
    const first = segments[at]!;
    if (first < firstIndex && starts.areKnown) return segments[at + 1]!;
    const records = log.read(first, segments[at + 1] ?? endIndex);
    starts.add(await Array.fromAsync(records, ({ record }) => record));
  }
  return segments[Math.max(0, least)]!;
}

function hopsOfRecord({ record }: LogRecord): Hop[] {
  if (record.case !== "otlpTraces") return [];
  return hopsOf(fromBinary(ExportTraceServiceRequestSchema, record.value).resourceSpans);
}

export function cataloguesIn({
  catalogue,
  catalogueParts,
  lastReceivedUnixNano,
}: Checkpoint): Catalogue[] {
  const received = Object.entries(lastReceivedUnixNano).map(
    ([cameraId, nano]) => [cameraId, msOf(nano)] as const,
  );
  const lastReceivedMs = new Map(received);
  return [catalogue, ...catalogueParts]
    .filter((bytes) => bytes.length > 0)
    .map((bytes) => ({ bundle: decodeBundle(bytes, CATALOGUE_LIMITS), lastReceivedMs }));
}

/** @returns the producer of a batch. */
function recoverProducers({ record }: LogRecord, producers: Producers): ProducerState | undefined {
  const marks = record.case === "checkpoint" ? record.value.producers : [];
  for (const mark of marks)
    producers.admit(mark.producer, mark.incarnation, Number(mark.durableSeq));
  if (record.case !== "batch") return undefined;
  const { producer, incarnation, seq } = record.value;
  return producers.admit(producer, incarnation, Number(seq));
}
