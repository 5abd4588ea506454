/**
 * The way of data through the collector, on one screen: received -> appended to the log -> durable -> shown by queries ->
 * acknowledged. Receivers call it and cannot know what is behind.
 */
import type { CameraFacts } from "@glassline/otqmn/sample";
import type { LogRecord } from "@glassline/proto/storage";
import type { Clock } from "@glassline/service/clock";

import type { Fleet } from "./core/fleet.ts";
import { acceptLogs, acceptMetrics, acceptTraces } from "./core/otlp-accept.ts";
import { Rejections } from "./core/otlp-rejections.ts";
import { MetricsWalker } from "./core/otlp-walker.ts";
import { countLogRecords, hopsOf, pointsOf } from "./core/otlp.ts";
import type { ProducerState, Producers } from "./core/producers.ts";
import type { RecordPoints } from "./core/record-reader.ts";
import { grouped } from "./core/record-reader.ts";
import { RUN_SEGMENTS_MAX } from "./core/run-starts.ts";
import type { SlottedPoints } from "./core/slotted-points.ts";
import { msOf } from "./core/times.ts";
import { Storing } from "./core/storing.ts";
import type { Traces } from "./core/traces.ts";
import type { CollectorMetrics } from "./metrics.ts";
import type { TelemetryLog } from "./stores/telemetry-log.ts";
import { segmentOf } from "./stores/telemetry-log.ts";

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
  /** Whether its run may go on for a while. */
  isRunYoung(producer: ProducerState): boolean;
  /** Resolves when the batch is durable. Rejects with LogRefusal. */
  appendBatch(producer: ProducerState, batch: ReceivedBatch): Promise<void>;
  /** @param request ExportMetricsServiceRequest. @returns what was not stored. Rejects with RpcError, LogRefusal. */
  appendMetrics(request: Uint8Array, receiver?: "otlp" | "remote_write"): Promise<Rejections>;
  /** @param request ExportTraceServiceRequest. @returns what was not stored. Rejects with RpcError, LogRefusal. */
  appendTraces(request: Uint8Array): Promise<Rejections>;
  /** @param request ExportLogsServiceRequest. @returns what was not stored. Rejects with RpcError, LogRefusal. */
  appendLogs(request: Uint8Array): Promise<Rejections>;
  /** How long what comes is not stored, in milliseconds. */
  notStoredMs(): number;
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
  fleet.recent.beginSegment(log.segments.at(-1)!.firstIndex);
  let walker = new MetricsWalker();
  const otqmnPoints = metrics.points.labels("otqmn");
  const listeners: (() => void)[] = [];
  const storing = new Storing();
  const append: TelemetryLog["append"] = (record) => {
    const { stored, refused } = storing.came(clock.monotonicMs());
    const appended = log.append(record);
    appended.then(stored, refused);
    return appended;
  };
  let isRolling = false;
  /** Stored: memory follows. */
  const show = (index: number, add: () => void) => {
    const isNew = fleet.recent.beginSegment(segmentOf(log, index));
    add();
    if (isNew) {
      isRolling = false;
      fleet.trim();
      listeners.forEach((listener) => listener());
    }
    // The segment that is written has to leave memory some day: by then it is closed, and in a block.
    if (isRolling || !fleet.wantsRoll) return;
    isRolling = true;
    // Refused when nothing can be stored: the next record that is stored asks again.
    log.roll().catch(() => (isRolling = false));
  };
  return {
    notStoredMs: () => storing.notStoredMs(clock.monotonicMs()),
    onSegment: (listener) => void listeners.push(listener),
    keepsRun: ({ runIndex }) => runIndex >= firstOfLast(log, RUN_SEGMENTS_MAX),
    isRunYoung: ({ runIndex }) => runIndex >= firstOfLast(log, RUN_SEGMENTS_MAX / 2),

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
      fleet.underWay.add(points);
      try {
        const index = await append({ receivedUnixNano, record: { case: "batch", value } });
        producer.durableSeq = seq;
        if (seq === keySeq) producer.runIndex = index;
        const receivedMs = msOf(receivedUnixNano);
        show(index, () => {
          fleet.addFacts(cameras, receivedMs);
          fleet.add(index, points, receivedMs);
        });
      } finally {
        fleet.underWay.delete(points);
      }
      metrics.batches.inc();
      otqmnPoints.inc(points.slots.length);
    },

    async appendMetrics(request, receiver = "otlp") {
      const receivedUnixNano = clock.nowUnixNano();
      const { points, bytes, rejections } = metricsIn(walker, request);
      const record = { case: "otlpMetrics", value: bytes } as const;
      const index = await appendOtlp(append, receivedUnixNano, record).catch((error: unknown) => {
        // What was news in this request will be news when it comes again.
        walker = new MetricsWalker();
        throw error;
      });
      if (index !== undefined)
        show(index, () => fleet.addRecord(index, points, msOf(receivedUnixNano)));
      metrics.points.inc({ receiver }, points.value.length);
      countRejections(metrics, rejections);
      return rejections;
    },

    async appendTraces(request) {
      const { message, bytes, rejections } = acceptTraces(request);
      const hops = hopsOf(message.resourceSpans);
      await appendOtlp(append, clock.nowUnixNano(), { case: "otlpTraces", value: bytes });
      for (const hop of hops) traces.add(hop, clock.nowMs());
      metrics.spans.inc(hops.length);
      countRejections(metrics, rejections);
      return rejections;
    },

    async appendLogs(request) {
      const { message, bytes, rejections } = acceptLogs(request);
      await appendOtlp(append, clock.nowUnixNano(), { case: "otlpLogs", value: bytes });
      metrics.logRecords.inc(countLogRecords(message.resourceLogs));
      countRejections(metrics, rejections);
      return rejections;
    },
  };
}

/** What a request says, by the fast way if it is as exporters write it. Throws RpcError. */
function metricsIn(
  walker: MetricsWalker,
  request: Uint8Array,
): { points: RecordPoints; bytes: Uint8Array; rejections: Rejections } {
  const points = walker.walk(request);
  if (points) return { points, bytes: request, rejections: new Rejections() };
  const { message, bytes, rejections } = acceptMetrics(request);
  return { points: grouped(pointsOf(message.resourceMetrics)), bytes, rejections };
}

/** The first index of the last so many segments. */
function firstOfLast({ segments }: TelemetryLog, count: number): number {
  // Retention takes the oldest: no run goes on from the older half of a small log.
  const few = Math.max(2, Math.floor(segments.length / 2));
  return (segments.at(-Math.min(count, few)) ?? segments[0]!).firstIndex;
}

/** Index of a key batch that the log does not have yet. */
const UNDER_WAY = Number.MAX_SAFE_INTEGER;

type OtlpRecord = Extract<LogRecord["record"], { value: Uint8Array }>;

/** A request that says nothing, or of which nothing is left, is not stored. */
async function appendOtlp(
  append: TelemetryLog["append"],
  receivedUnixNano: bigint,
  record: OtlpRecord,
): Promise<number | undefined> {
  return record.value.length > 0 ? append({ receivedUnixNano, record }) : undefined;
}

function countRejections({ dropped }: CollectorMetrics, { byReason }: Rejections): void {
  for (const [reason, { count }] of byReason) dropped.inc({ reason }, count);
}
