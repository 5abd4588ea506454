/** One stream of a producer: carries out what the session (packages/otqmn) decides. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { create } from "@bufbuild/protobuf";
import type {
  CollectorEffect,
  CollectorEvent,
  CollectorLimits,
  NackCode,
} from "@glassline/otqmn/collector-session";
import { newCollectorSession, stepCollector } from "@glassline/otqmn/collector-session";
import type { Directive } from "@glassline/otqmn/directive";
import { CODEC, HelloError, SEQ_MAX, verifyHello } from "@glassline/otqmn/hello";
import { STREAM_LIMITS } from "@glassline/otqmn/limits";
import type {
  DirectiveSchema,
  Hello,
  StreamRequest,
  StreamRequestSchema,
} from "@glassline/proto/otqmn";
import { NackCode as WireNackCode, StreamResponseSchema } from "@glassline/proto/otqmn";
import type { ServerStream } from "@glassline/proto/rpc";
import type { Random } from "@glassline/service/random";

import type { ProducerState, Producers } from "../core/producers.ts";
import type { Arrived, IntakeDeps } from "./batch-intake.ts";
import { BatchIntake, BatchRefusal } from "./batch-intake.ts";

/** Batches of a stream that are decoded and not durable; more wait where they are small: on the wire. */
const UNDER_WAY_MAX = 64;
const CREDIT_BYTES = 4_194_304;

const LIMITS: Omit<CollectorLimits, "streamLifetimeMs"> = {
  reorderMaxBatches: 64,
  silenceTimeoutMs: 10_000,
  admissionHeartbeatMs: 2_000,
  drainTimeoutMs: 10_000,
};

const WIRE_CODES: Record<NackCode, WireNackCode> = {
  invalid: WireNackCode.INVALID,
  unauthenticated: WireNackCode.UNAUTHENTICATED,
  gap: WireNackCode.GAP,
  superseded: WireNackCode.SUPERSEDED,
  unavailable: WireNackCode.UNAVAILABLE,
};

export interface OtqmnReceiverDeps extends IntakeDeps {
  producers: Producers;
  random: Random;
  /** PEM. */
  ca: string;
  streamLifetimeMs: number;
  admissionsPerSecond: number;
}

export interface StreamDeps extends OtqmnReceiverDeps {
  /** Calls `acknowledge` after some milliseconds, once. */
  acknowledgeSoon: (stream: OtqmnStream) => void;
  /** The stream that was opened last, of each producer. */
  serving: WeakMap<ProducerState, OtqmnStream>;
  /** Calls back when another producer may be let in. */
  whenTurn: (enter: () => void) => void;
}

export type Stream = ServerStream<typeof StreamRequestSchema, typeof StreamResponseSchema>;

export class OtqmnStream {
  readonly #stream: Stream;
  readonly #deps: StreamDeps;
  readonly #limits: CollectorLimits;
  #session;
  #producer: ProducerState | undefined;
  #intake: BatchIntake | undefined;
  #owedCredit = 0;
  /** Batches that are taken and not durable. */
  #underWay = 0;

  constructor(stream: Stream, deps: StreamDeps) {
    this.#stream = stream;
    this.#deps = deps;
    this.#limits = {
      ...LIMITS,
      streamLifetimeMs: deps.streamLifetimeMs * (0.8 + 0.4 * deps.random()),
    };
    this.#session = newCollectorSession<Arrived>(deps.clock.monotonicMs());
  }

  /** The log goes on in another segment: a run should not go over many. */
  segmentBegan(): void {
    if (this.#producer && !this.#deps.pipeline.isRunYoung(this.#producer))
      this.dispatch({ type: "key-batch-wanted" });
  }

  /** Passes a directive down. @returns whether there is a stream to take it. */
  direct(directive: Directive): boolean {
    const { state } = this.#session;
    this.dispatch({ type: "direct", directive });
    return state === "admitted" || state === "draining";
  }

  receive({ message, passage }: StreamRequest): void {
    if (message.case === "hello") this.#hello(message.value);
    if (message.case === "heartbeat") this.#heartbeat();
    if (message.case === "batch") {
      const { seq, keySeq, payload } = message.value;
      if (seq < 1n || seq > SEQ_MAX || keySeq < 1n || keySeq > seq) {
        const reason = `seq: got ${seq} built on ${keySeq}, expected 1 to ${SEQ_MAX} built on none later`;
        return this.dispatch({ type: "append-refused", seq: 0, code: "invalid", reason });
      }
      if (this.#producer && !this.#deps.pipeline.keepsRun(this.#producer))
        this.dispatch({ type: "run-expired" });
      this.dispatch({
        type: "batch",
        seq: Number(seq),
        keySeq: Number(keySeq),
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
    if (session.state === "closed" && this.#producer)
      this.#producer.connected &&= this.#deps.serving.get(this.#producer) !== this;
    for (const effect of effects) this.#carryOut(effect);
  }

  #heartbeat(): void {
    this.dispatch({ type: "heard" });
    this.#sendHeartbeat();
  }

  #sendHeartbeat(): void {
    const value = { sentAtUnixNano: this.#deps.clock.nowUnixNano() };
    this.#send({ message: { case: "heartbeat", value } });
  }

  #hello(hello: Hello): void {
    const isFirst = this.#session.state === "greeting";
    this.dispatch({ type: "hello-received" });
    if (isFirst) this.#deps.whenTurn(() => this.#admit(hello));
  }

  #admit(hello: Hello): void {
    if (this.#session.state !== "admitting") return;
    try {
      const { producer, incarnation, firstUnackedSeq } = verifyHello(
        hello,
        this.#deps.ca,
        this.#deps.clock.nowMs(),
      );
      const state = this.#deps.producers.admit(producer, incarnation, Number(firstUnackedSeq) - 1);
      this.#deps.serving.get(state)?.dispatch({ type: "superseded" });
      this.#deps.serving.set(state, this);
      this.#producer = state;
      this.#intake = new BatchIntake(this.#deps, state);
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
        return void this.#append(effect);
      case "send-ack":
        return this.#owe(0);
      case "send-nack":
        return this.#nack(effect);
      case "send-credit":
        return this.#owe(effect.creditBytes);
      case "send-heartbeat":
        return this.#sendHeartbeat();
      case "send-key-batch-request":
        return this.#send({ message: { case: "keyBatchRequest", value: {} } });
      case "send-directive":
        return this.#send({
          message: { case: "directive", value: wireDirective(effect.directive) },
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
        batchMaxBytes: STREAM_LIMITS.batchMaxBytes,
        batchMaxPoints: STREAM_LIMITS.batchMaxPoints,
        batchMaxSeries: STREAM_LIMITS.columnsMax,
        reorderMaxBatches: LIMITS.reorderMaxBatches,
      },
    };
    this.#send({ message: { case: "welcome", value } });
  }

  /** Acknowledgements are cumulative: those of some milliseconds go together. */
  #owe(creditBytes: number): void {
    this.#owedCredit += creditBytes;
    this.#deps.acknowledgeSoon(this);
  }

  /** Only what is on the disk is acknowledged as durable, whoever put it there. */
  acknowledge(): void {
    const value = {
      receivedSeq: BigInt(this.#session.expectedSeq - 1),
      durableSeq: BigInt(this.#producer?.durableSeq ?? 0),
      creditBytes: BigInt(this.#owedCredit),
    };
    this.#owedCredit = 0;
    this.#send({ message: { case: "ack", value } });
  }

  async #append({
    seq,
    keySeq,
    batch,
  }: Extract<CollectorEffect<Arrived>, { type: "append" }>): Promise<void> {
    if (++this.#underWay === UNDER_WAY_MAX) this.#stream.pause();
    try {
      await this.#intake!.take(seq, keySeq, batch);
      this.dispatch({ type: "durable", seq, sizeBytes: batch.batch.payload.length });
    } catch (error) {
      if (!(error instanceof BatchRefusal)) throw error;
      this.dispatch({ type: "append-refused", seq, code: error.code, reason: error.message });
    } finally {
      if (this.#underWay-- === UNDER_WAY_MAX) this.#stream.resume();
    }
  }

  #send(message: MessageInitShape<typeof StreamResponseSchema>): void {
    if (this.#stream.writable) this.#stream.write(create(StreamResponseSchema, message));
  }
}

function wireDirective({ cameraId, action }: Directive): MessageInitShape<typeof DirectiveSchema> {
  return "reportNow" in action
    ? { cameraId, action: { case: "reportNow", value: true } }
    : { cameraId, action: { case: "samplingIntervalMs", value: action.samplingIntervalMs } };
}
