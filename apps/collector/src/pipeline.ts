/**
 * The way of data through the collector, on one screen: received -> appended to the log -> durable -> shown by queries ->
 * acknowledged. Receivers call it and cannot know what is behind.
 */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { fromBinary } from "@bufbuild/protobuf";
import type { Bundle } from "@glassline/otqmn/sample";
import { EMPTY_BUNDLE } from "@glassline/otqmn/sample";
import { decodeBundle, encodeBundle } from "@glassline/otqmn/codec";
import { ExportMetricsServiceRequestSchema } from "@glassline/proto/otlp/metrics-service";
import { ExportTraceServiceRequestSchema } from "@glassline/proto/otlp/trace-service";
import type { Checkpoint, CheckpointSchema, LogRecord } from "@glassline/proto/storage";
import type { Clock } from "@glassline/service/clock";

import type { Catalogue } from "./core/catalogue.ts";
import { catalogueOf } from "./core/catalogue.ts";
import type { Fleet } from "./core/fleet.ts";
import { acceptLogs, acceptMetrics, acceptTraces } from "./core/otlp-accept.ts";
import type { Rejections } from "./core/otlp-rejections.ts";
import { countLogRecords, hopsOf, pointsOf } from "./core/otlp.ts";
import type { ProducerState, Producers } from "./core/producers.ts";
import type { Hop, Traces } from "./core/traces.ts";
import type { CollectorMetrics } from "./metrics.ts";
import type { TelemetryLog } from "./stores/telemetry-log.ts";

export interface ReceivedBatch {
  seq: number;
  payload: Uint8Array;
  bundle: Bundle;
}

export interface Pipeline {
  /** Resolves when the batch is durable. Rejects with LogRefusal. */
  appendBatch(producer: ProducerState, batch: ReceivedBatch): Promise<void>;
  /** @param request ExportMetricsServiceRequest. @returns what was not stored. Rejects with RpcError, LogRefusal. */
  appendMetrics(request: Uint8Array): Promise<Rejections>;
  /** @param request ExportTraceServiceRequest. @returns what was not stored. Rejects with RpcError, LogRefusal. */
  appendTraces(request: Uint8Array): Promise<Rejections>;
  /** @param request ExportLogsServiceRequest. @returns what was not stored. Rejects with RpcError, LogRefusal. */
  appendLogs(request: Uint8Array): Promise<Rejections>;
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
  return {
    async appendBatch(producer, { seq, payload, bundle }) {
      const receivedUnixNano = clock.nowUnixNano();
      const { producer: name, incarnation } = producer;
      await log.append({
        receivedUnixNano,
        record: {
          case: "batch",
          value: { producer: name, incarnation, seq: BigInt(seq), payload },
        },
      });
      producer.durableSeq = seq;
      fleet.add(bundle, msOf(receivedUnixNano));
      metrics.batches.inc();
      metrics.points.inc({ receiver: "otqmn" }, bundle.value.length);
    },

    async appendMetrics(request) {
      const receivedUnixNano = clock.nowUnixNano();
      const { message, bytes, rejections } = acceptMetrics(request);
      const bundle = pointsOf(message.resourceMetrics);
      await appendOtlp(log, receivedUnixNano, { case: "otlpMetrics", value: bytes });
      fleet.add(bundle, msOf(receivedUnixNano));
      metrics.points.inc({ receiver: "otlp" }, bundle.value.length);
      countRejections(metrics, rejections);
      return rejections;
    },

    async appendTraces(request) {
      const { message, bytes, rejections } = acceptTraces(request);
      const hops = hopsOf(message.resourceSpans);
      await appendOtlp(log, clock.nowUnixNano(), { case: "otlpTraces", value: bytes });
      for (const hop of hops) traces.add(hop, clock.nowMs());
      metrics.spans.inc(hops.length);
      countRejections(metrics, rejections);
      return rejections;
    },

    async appendLogs(request) {
      const { message, bytes, rejections } = acceptLogs(request);
      await appendOtlp(log, clock.nowUnixNano(), { case: "otlpLogs", value: bytes });
      metrics.logRecords.inc(countLogRecords(message.resourceLogs));
      countRejections(metrics, rejections);
      return rejections;
    },
  };
}

type OtlpRecord = Extract<LogRecord["record"], { value: Uint8Array }>;

/** A request that says nothing, or of which nothing is left, is not stored. */
async function appendOtlp(
  log: TelemetryLog,
  receivedUnixNano: bigint,
  record: OtlpRecord,
): Promise<void> {
  if (record.value.length > 0) await log.append({ receivedUnixNano, record });
}

function countRejections({ dropped }: CollectorMetrics, { byReason }: Rejections): void {
  for (const [reason, { count }] of byReason) dropped.inc({ reason }, count);
}

/** Segments behind the last that a start reads to have recent points at hand. */
const RECOVERED_SEGMENTS = 2;

/**
 * Reads the newest segments of the log into memory, as if their records had just become durable.
 * @returns how many records could not be read; they stay in the log.
 */
export async function recover({ log, fleet, traces, producers }: Stores): Promise<number> {
  let unreadable = 0;
  const from = log.segments.at(-RECOVERED_SEGMENTS)?.firstIndex ?? 1;
  const isWhole = log.segments.length <= RECOVERED_SEGMENTS;
  for await (const { record } of log.read(from)) {
    recoverProducers(record, producers);
    if (!isWhole) fleet.completeFromUnixNano ||= record.receivedUnixNano;
    try {
      if (record.record.case === "checkpoint") fleet.restore(catalogueIn(record.record.value));
      const bundle = bundleOfRecord(record);
      if (bundle) fleet.add(bundle, msOf(record.receivedUnixNano));
      for (const hop of hopsOfRecord(record)) traces.add(hop, msOf(record.receivedUnixNano));
    } catch {
      unreadable++;
    }
  }
  return unreadable;
}

function hopsOfRecord({ record }: LogRecord): Hop[] {
  if (record.case !== "otlpTraces") return [];
  return hopsOf(fromBinary(ExportTraceServiceRequestSchema, record.value).resourceSpans);
}

/** The catalogue may hold more series than a batch. */
const CATALOGUE_LIMITS = { batchMaxBytes: 12_582_912, pointsMax: 100_000, seriesMax: 100_000 };

/** What the head of a segment says: who has sent how much, and what the fleet is. */
export function checkpointOf({
  producers,
  fleet,
}: Pick<Stores, "producers" | "fleet">): MessageInitShape<typeof CheckpointSchema> {
  const { bundle, lastReceivedMs } = catalogueOf(fleet, CATALOGUE_LIMITS.seriesMax);
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

/** The points in a record; undefined when it holds none. Throws when it cannot be read. */
export function bundleOfRecord({ record }: LogRecord): Bundle | undefined {
  if (record.case === "batch") return decodeBundle(record.value.payload);
  if (record.case !== "otlpMetrics") return undefined;
  return pointsOf(fromBinary(ExportMetricsServiceRequestSchema, record.value).resourceMetrics);
}

function msOf(unixNano: bigint): number {
  return Number(unixNano / 1_000_000n);
}
