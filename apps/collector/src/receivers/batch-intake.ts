/** Batches of one stream, in order: read, then stored. */
import { BundleReader } from "@glassline/otqmn/bundle-reader";
import { CodecError } from "@glassline/otqmn/codec-error";
import type { NackCode } from "@glassline/otqmn/collector-session";
import type { CameraFacts } from "@glassline/otqmn/sample";
import type { Batch, Passage } from "@glassline/proto/otqmn";
import { LogRefusal } from "@glassline/segment-log";
import type { Clock } from "@glassline/service/clock";
import { messageOf } from "@glassline/service/errors";
import type { Logger } from "@glassline/service/logger";
import { quantumPathAttributes } from "@glassline/telemetry/edge-propagator";
import { startHop } from "@glassline/telemetry/trace-context";
import type { Attributes, Tracer } from "@opentelemetry/api";

import type { MemoryBudget, MemoryHold } from "../core/memory-budget.ts";
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
  /** Of what the decoders of all streams remember. */
  decoders: MemoryBudget;
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

/** There is no memory for a batch now, or for what its stream's decoder remembers. */
export class MemoryRefusal extends Error {
  override readonly name = "MemoryRefusal";
  /** For the metric. */
  readonly reason: "otqmn_memory" | "otqmn_decoders";

  constructor(reason: MemoryRefusal["reason"], { refusal }: Pick<MemoryBudget, "refusal">) {
    super(`${reason === "otqmn_memory" ? "batches" : "decoders"} of all streams: ${refusal}`);
    this.reason = reason;
  }
}

export class BatchIntake implements Disposable {
  readonly #deps: IntakeDeps;
  readonly #producer: ProducerState;
  readonly #reader = new BundleReader();
  readonly #slots: StreamSlots;
  /** Of the points that are not durable yet. */
  readonly #columns: MemoryHold;
  readonly #decoder: MemoryHold;

  constructor(deps: IntakeDeps, producer: ProducerState) {
    this.#deps = deps;
    this.#producer = producer;
    this.#slots = new StreamSlots(deps.fleet);
    this.#columns = deps.memory.hold();
    this.#decoder = deps.decoders.hold();
  }

  /** Nothing more is read. */
  [Symbol.dispose](): void {
    this.#decoder[Symbol.dispose]();
  }

  /** Resolves when the batch is durable. Rejects with BatchRefusal; then no later batch of the stream is taken. */
  async take(seq: number, keySeq: number, arrived: Arrived): Promise<void> {
    const { metrics, logger, clock } = this.#deps;
    const producer = this.#producer;
    if (seq !== producer.receivedSeq + 1) {
      // One before it was refused since it was taken in: a hole would be acknowledged.
      const reason = `batch ${seq} came, batch ${producer.receivedSeq + 1} is to be stored next`;
      throw new BatchRefusal("unavailable", reason);
    }
    const fromMs = clock.monotonicMs();
    try {
      await this.#store(seq, keySeq, arrived);
      metrics.appendSeconds.observe((clock.monotonicMs() - fromMs) / 1_000);
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

  /** What is read is in order at once; what is stored resolves later. Throws what the codec throws, MemoryRefusal. */
  #store(seq: number, keySeq: number, { batch, passage }: Arrived): Promise<void> {
    const { pipeline, tracer } = this.#deps;
    const producer = this.#producer;
    const parents = passage?.hopContexts.length ? passage.hopContexts : batch.traceContexts;
    const name = "collector/src/receivers/batch-intake.ts";
    const about = {
      "otqmn.seq": seq,
      "otqmn.producer": producer.producer,
      ...pathAttributes(passage),
    };
    const receive = startHop(tracer, name, parents, about, batch.traceContexts);
    let read: ReadBatch;
    try {
      read = this.#read(seq, keySeq, batch.payload);
    } finally {
      receive.end();
    }
    const { points, cameras, bytes } = read;
    producer.receivedSeq = seq;
    const store = startHop(tracer, "collector/src/stores/telemetry-log.ts", receive.contexts, {
      "otqmn.points": points.slots.length,
    });
    producer.underWay++;
    return pipeline
      .appendBatch(producer, { seq, keySeq, payload: batch.payload, cameras, points })
      .finally(() => {
        this.#columns.shrink(bytes);
        if (--producer.underWay === 0) producer.settled?.();
        store.end();
      });
  }

  #read(seq: number, keySeq: number, payload: Uint8Array): ReadBatch {
    const { clock, fleet, memory, decoders } = this.#deps;
    const read = this.#reader.read(payload);
    if (!this.#decoder.become(this.#reader.rememberedBytes))
      throw new MemoryRefusal("otqmn_decoders", decoders);
    if (read.isAnew !== (seq === keySeq))
      throw new CodecError(
        `batch ${seq}: got ${read.isAnew ? "a" : "no"} key batch, expected what key_seq ${keySeq} says`,
      );
    const points = this.#slots.points(this.#reader, read, clock.nowMs());
    const bytes = bytesOf(points);
    if (!this.#columns.grow(bytes)) throw new MemoryRefusal("otqmn_memory", memory);
    fleet.cameBy(this.#producer, points);
    return { cameras: read.cameras, points, bytes };
  }
}

interface ReadBatch {
  cameras: readonly CameraFacts[];
  points: SlottedPoints;
  bytes: number;
}

function metricReason(error: unknown, code: NackCode): string {
  if (error instanceof LogRefusal) return `log_${error.reason}`;
  return error instanceof MemoryRefusal ? error.reason : code;
}

/** Of the points as they are read; a payload is some twenty times smaller. */
function bytesOf({ slots, value, groupEnd, groupTime }: SlottedPoints): number {
  return slots.byteLength + value.byteLength + groupEnd.byteLength + groupTime.byteLength;
}

/** Of the mesh, where the message came over it. */
function pathAttributes(passage: Passage | undefined): Attributes {
  if (!passage?.hopContexts.length) return {};
  return quantumPathAttributes(passage.links.map(({ keySource }) => keySource));
}
