/** Batches of one stream, in order: read, then stored. */
import { BundleReader } from "@glassline/otqmn/bundle-reader";
import { CodecError } from "@glassline/otqmn/codec-error";
import type { NackCode } from "@glassline/otqmn/collector-session";
import type { Batch, Passage } from "@glassline/proto/otqmn";
import { LogRefusal } from "@glassline/segment-log";
import type { Clock } from "@glassline/service/clock";
import { messageOf } from "@glassline/service/errors";
import type { Logger } from "@glassline/service/logger";
import type { HopSpans } from "@glassline/telemetry/trace-context";
import { startHop } from "@glassline/telemetry/trace-context";
import type { Tracer } from "@opentelemetry/api";

import type { MemoryBudget } from "../core/memory-budget.ts";
import type { Fleet } from "../core/fleet.ts";
import type { ProducerState } from "../core/producers.ts";
import type { SlottedPoints } from "../core/slotted-points.ts";
import { StreamSlots } from "../core/stream-slots.ts";
import type { CollectorMetrics } from "../metrics.ts";
import type { Pipeline } from "../pipeline.ts";

export interface IntakeDeps {
  pipeline: Pipeline;
  fleet: Fleet;
  metrics: CollectorMetrics;
  tracer: Tracer;
  clock: Clock;
  logger: Logger;
  /** Of what all streams hold. */
  memory: MemoryBudget;
}

export interface Arrived {
  batch: Batch;
  passage: Passage | undefined;
}

/** A batch was not stored. */
export class BatchRefusal extends Error {
  override readonly name = "BatchRefusal";
  readonly code: NackCode;

  constructor(code: NackCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** There is no memory for a batch now. */
export class MemoryRefusal extends Error {
  override readonly name = "MemoryRefusal";
  /** For the metric. */
  static readonly reason = "otqmn_memory";

  constructor(maxBytes: number) {
    super(`batches in work: got more than fits, expected at most ${maxBytes} bytes of all streams`);
  }
}

export class BatchIntake {
  readonly #deps: IntakeDeps;
  readonly #producer: ProducerState;
  readonly #reader = new BundleReader();
  readonly #slots: StreamSlots;

  constructor(deps: IntakeDeps, producer: ProducerState) {
    this.#deps = deps;
    this.#producer = producer;
    this.#slots = new StreamSlots(deps.fleet);
  }

  /** Resolves when the batch is durable. Rejects with BatchRefusal; then no later batch of the stream is taken. */
  async take(seq: number, keySeq: number, { batch, passage }: Arrived): Promise<void> {
    const { metrics, logger } = this.#deps;
    const producer = this.#producer;
    if (seq !== producer.receivedSeq + 1) {
      // One before it was refused since it was taken in: a hole would be acknowledged.
      const reason = `batch ${seq} came, batch ${producer.receivedSeq + 1} is to be stored next`;
      throw new BatchRefusal("unavailable", reason);
    }
    const stopTimer = metrics.appendSeconds.startTimer();
    try {
      await this.#store(seq, keySeq, { batch, passage });
      stopTimer();
    } catch (error) {
      // What comes after a batch that could not be stored is not stored either: the order has no holes.
      producer.receivedSeq = Math.min(producer.receivedSeq, seq - 1);
      const code = error instanceof CodecError ? "invalid" : "unavailable";
      metrics.dropped.inc({ reason: metricReason(error, code) });
      const reason = messageOf(error);
      logger.error({ producer: producer.producer, seq, reason }, "batch not stored");
      throw new BatchRefusal(code, reason, { cause: error });
    }
  }

  async #store(seq: number, keySeq: number, { batch, passage }: Arrived): Promise<void> {
    const { pipeline, tracer, clock, memory } = this.#deps;
    using columns = memory.hold();
    const producer = this.#producer;
    const parents = passage?.hopContexts.length ? passage.hopContexts : batch.traceContexts;
    const receive = startHop(tracer, "collector/src/receivers/batch-intake.ts", parents, {
      "otqmn.seq": seq,
      "otqmn.producer": producer.producer,
    });
    const { payload } = batch;
    const { points, cameras } = endingOnError(receive, () => {
      const read = this.#reader.read(payload);
      if (read.isAnew !== (seq === keySeq))
        throw new CodecError(
          `batch ${seq}: got ${read.isAnew ? "a" : "no"} key batch, expected what key_seq ${keySeq} says`,
        );
      const slotted = this.#slots.points(this.#reader, read, clock.nowMs());
      if (!columns.grow(bytesOf(slotted))) throw new MemoryRefusal(memory.maxBytes);
      this.#deps.fleet.cameBy(producer, slotted);
      return { cameras: read.cameras, points: slotted };
    });
    producer.receivedSeq = seq;
    receive.end();
    const store = startHop(tracer, "collector/src/stores/telemetry-log.ts", receive.contexts, {
      "otqmn.points": points.slots.length,
    });
    producer.underWay++;
    try {
      await pipeline.appendBatch(producer, { seq, keySeq, payload, cameras, points });
    } finally {
      if (--producer.underWay === 0) producer.settled?.();
      store.end();
    }
  }
}

function metricReason(error: unknown, code: NackCode): string {
  if (error instanceof LogRefusal) return `log_${error.reason}`;
  return error instanceof MemoryRefusal ? MemoryRefusal.reason : code;
}

/** Of the points as they are read; a payload is some twenty times smaller. */
function bytesOf({ slots, value, groupEnd, groupTimeUnixNano }: SlottedPoints): number {
  return slots.byteLength + value.byteLength + groupEnd.byteLength + groupTimeUnixNano.byteLength;
}

function endingOnError<T>(span: HopSpans, work: () => T): T {
  try {
    return work();
  } catch (error) {
    span.end();
    throw error;
  }
}
