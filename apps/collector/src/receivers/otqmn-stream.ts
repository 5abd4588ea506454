/** One stream of a producer: carries out what the session (packages/otqmn) decides. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { create } from "@bufbuild/protobuf";
import { CodecError, DEFAULT_LIMITS, CODEC, decodeBundle } from "@glassline/otqmn/codec";
import type {
  CollectorEffect,
  CollectorEvent,
  CollectorLimits,
  NackCode,
} from "@glassline/otqmn/collector-session";
import { newCollectorSession, stepCollector } from "@glassline/otqmn/collector-session";
import { HelloError, SEQ_MAX, verifyHello } from "@glassline/otqmn/hello";
import type {
  Batch,
  Hello,
  Passage,
  StreamRequest,
  StreamRequestSchema,
} from "@glassline/proto/otqmn";
import { NackCode as WireNackCode, StreamResponseSchema } from "@glassline/proto/otqmn";
import type { ServerStream } from "@glassline/proto/rpc";
import { LogRefusal } from "@glassline/segment-log";
import type { Clock } from "@glassline/service/clock";
import { messageOf } from "@glassline/service/errors";
import type { Logger } from "@glassline/service/logger";
import type { Random } from "@glassline/service/random";
import { startHop } from "@glassline/telemetry/trace-context";
import type { HopSpans } from "@glassline/telemetry/trace-context";
import type { Tracer } from "@opentelemetry/api";

import type { ProducerState, Producers } from "../core/producers.ts";
import type { CollectorMetrics } from "../metrics.ts";
import type { Pipeline } from "../pipeline.ts";

const CREDIT_BYTES = 4_194_304;

const LIMITS: Omit<CollectorLimits, "streamLifetimeMs"> = {
  reorderMaxBatches: 64,
  silenceTimeoutMs: 10_000,
  drainTimeoutMs: 10_000,
};

const WIRE_CODES: Record<NackCode, WireNackCode> = {
  invalid: WireNackCode.INVALID,
  unauthenticated: WireNackCode.UNAUTHENTICATED,
  gap: WireNackCode.GAP,
  superseded: WireNackCode.SUPERSEDED,
  unavailable: WireNackCode.UNAVAILABLE,
};

export interface OtqmnReceiverDeps {
  pipeline: Pipeline;
  producers: Producers;
  metrics: CollectorMetrics;
  tracer: Tracer;
  clock: Clock;
  random: Random;
  logger: Logger;
  /** PEM. */
  ca: string;
  streamLifetimeMs: number;
}

export type Stream = ServerStream<typeof StreamRequestSchema, typeof StreamResponseSchema>;

interface Arrived {
  batch: Batch;
  passage: Passage | undefined;
}

export class OtqmnStream {
  readonly #stream: Stream;
  readonly #deps: OtqmnReceiverDeps;
  readonly #limits: CollectorLimits;
  readonly #olderStreamOf: (producer: ProducerState) => OtqmnStream | undefined;
  #session;
  #producer: ProducerState | undefined;

  constructor(
    stream: Stream,
    deps: OtqmnReceiverDeps,
    olderStreamOf: (producer: ProducerState) => OtqmnStream | undefined,
  ) {
    this.#stream = stream;
    this.#deps = deps;
    this.#olderStreamOf = olderStreamOf;
    this.#limits = {
      ...LIMITS,
      streamLifetimeMs: deps.streamLifetimeMs * (0.8 + 0.4 * deps.random()),
    };
    this.#session = newCollectorSession<Arrived>(deps.clock.monotonicMs());
  }

  serves(producer: ProducerState): boolean {
    return this.#producer === producer && this.#session.state !== "closed";
  }

  receive({ message, passage }: StreamRequest): void {
    if (message.case === "hello") this.#hello(message.value);
    if (message.case === "heartbeat") this.#heartbeat();
    if (message.case === "batch") {
      const { seq, payload } = message.value;
      if (seq < 1n || seq > SEQ_MAX) {
        const reason = `seq: got ${seq}, expected 1 to ${SEQ_MAX}`;
        return this.dispatch({ type: "append-refused", seq: 0, code: "invalid", reason });
      }
      this.dispatch({
        type: "batch",
        seq: Number(seq),
        sizeBytes: payload.length,
        batch: { batch: message.value, passage },
      });
    }
  }

  dispatch(event: CollectorEvent<Arrived>): void {
    const { session, effects } = stepCollector(
      this.#session,
      event,
      this.#deps.clock.monotonicMs(),
      this.#limits,
    );
    this.#session = session;
    if (session.state === "closed" && this.#producer) this.#producer.connected = false;
    for (const effect of effects) this.#carryOut(effect);
  }

  #heartbeat(): void {
    this.dispatch({ type: "heard" });
    this.#send({
      message: { case: "heartbeat", value: { sentAtUnixNano: this.#deps.clock.nowUnixNano() } },
    });
  }

  #hello(hello: Hello): void {
    if (this.#session.state !== "greeting") {
      return this.dispatch({ type: "hello-refused", code: "invalid", reason: "a second Hello" });
    }
    try {
      const { producer, incarnation, firstUnackedSeq } = verifyHello(
        hello,
        this.#deps.ca,
        this.#deps.clock.nowMs(),
      );
      const state = this.#deps.producers.admit(producer, incarnation, Number(firstUnackedSeq) - 1);
      this.#olderStreamOf(state)?.dispatch({ type: "superseded" });
      this.#producer = state;
      state.connected = true;
      // What an older stream handed to the log and is not durable yet will be: this stream goes on behind it.
      this.dispatch({
        type: "hello-accepted",
        durableSeq: state.receivedSeq,
        firstUnackedSeq: Number(firstUnackedSeq),
      });
    } catch (error) {
      if (!(error instanceof HelloError)) throw error;
      this.#deps.logger.warn({ producer: hello.producer, reason: error.message }, "Hello refused");
      this.#deps.metrics.dropped.inc({ reason: "hello_refused" });
      this.dispatch({ type: "hello-refused", code: "unauthenticated", reason: error.message });
    }
  }

  #carryOut(effect: CollectorEffect<Arrived>): void {
    switch (effect.type) {
      case "send-welcome":
        return this.#welcome();
      case "append":
        return void this.#append(effect.seq, effect.batch);
      case "send-ack":
        return this.#ack(effect.receivedSeq);
      case "send-nack":
        return this.#nack(effect);
      case "send-credit":
        return this.#send({
          message: { case: "credit", value: { creditBytes: BigInt(effect.creditBytes) } },
        });
      case "send-drain":
        return this.#send({
          message: { case: "drain", value: { deadlineMs: this.#limits.drainTimeoutMs } },
        });
      case "count-replay":
        return this.#deps.metrics.replays.inc();
      case "end":
        this.#stream.end();
    }
  }

  #nack({ seq, code, reason }: Extract<CollectorEffect<Arrived>, { type: "send-nack" }>): void {
    this.#deps.metrics.dropped.inc({ reason: `nack_${code}` });
    this.#send({
      message: { case: "nack", value: { seq: BigInt(seq), code: WIRE_CODES[code], reason } },
    });
  }

  #welcome(): void {
    const value = {
      durableSeq: BigInt(this.#producer!.durableSeq),
      creditBytes: BigInt(CREDIT_BYTES),
      maxStreamLifetimeMs: Math.round(this.#limits.streamLifetimeMs),
      capabilities: [CODEC],
      limits: {
        batchMaxBytes: DEFAULT_LIMITS.batchMaxBytes,
        batchMaxPoints: DEFAULT_LIMITS.pointsMax,
        batchMaxSeries: DEFAULT_LIMITS.seriesMax,
        reorderMaxBatches: LIMITS.reorderMaxBatches,
      },
    };
    this.#send({ message: { case: "welcome", value } });
  }

  /** Only what is on the disk is acknowledged as durable, whoever put it there. */
  #ack(receivedSeq: number): void {
    const durableSeq = BigInt(this.#producer?.durableSeq ?? 0);
    this.#send({
      message: { case: "ack", value: { receivedSeq: BigInt(receivedSeq), durableSeq } },
    });
  }

  async #append(seq: number, { batch, passage }: Arrived): Promise<void> {
    const { pipeline, tracer, metrics, logger } = this.#deps;
    const producer = this.#producer!;
    if (seq <= producer.receivedSeq) {
      metrics.replays.inc();
      return this.#durable(seq, batch.payload.length);
    }
    if (seq !== producer.receivedSeq + 1) {
      // One before it was refused since it was taken in: a hole would be acknowledged.
      const reason = `batch ${producer.receivedSeq + 1} could not be stored`;
      return this.dispatch({ type: "append-refused", seq, code: "unavailable", reason });
    }
    const parents = passage?.hopContexts.length ? passage.hopContexts : batch.traceContexts;
    const receive = startHop(tracer, "collector/src/receivers/otqmn-stream.ts", parents, {
      "otqmn.seq": seq,
      "otqmn.producer": producer.producer,
    });
    const stopTimer = metrics.appendSeconds.startTimer();
    try {
      const bundle = decodeBundle(batch.payload);
      producer.receivedSeq = seq;
      receive.end();
      const store = startHop(tracer, "collector/src/stores/telemetry-log.ts", receive.contexts, {
        "otqmn.points": bundle.value.length,
      });
      await this.#store(producer, { seq, payload: batch.payload, bundle }, store, pipeline);
      stopTimer();
      this.#durable(seq, batch.payload.length);
    } catch (error) {
      receive.end();
      // What comes after a batch that could not be stored is not stored either: the order has no holes.
      producer.receivedSeq = Math.min(producer.receivedSeq, seq - 1);
      const code = error instanceof CodecError ? "invalid" : "unavailable";
      metrics.dropped.inc({ reason: error instanceof LogRefusal ? `log_${error.reason}` : code });
      logger.error(
        { producer: producer.producer, seq, reason: messageOf(error) },
        "batch not stored",
      );
      this.dispatch({ type: "append-refused", seq, code, reason: messageOf(error) });
    }
  }

  async #store(
    producer: ProducerState,
    batch: { seq: number; payload: Uint8Array; bundle: ReturnType<typeof decodeBundle> },
    span: HopSpans,
    pipeline: Pipeline,
  ): Promise<void> {
    try {
      await pipeline.appendBatch(producer, batch);
    } finally {
      span.end();
    }
  }

  #durable(seq: number, sizeBytes: number): void {
    this.dispatch({ type: "durable", seq, sizeBytes });
  }

  #send(message: MessageInitShape<typeof StreamResponseSchema>): void {
    if (this.#stream.writable) this.#stream.write(create(StreamResponseSchema, message));
  }
}
