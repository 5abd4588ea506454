/** One stream of a producer: carries out what the session (packages/otqmn) decides. */
import type { MessageInitShape } from "@bufbuild/protobuf";
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
  Batch,
  DirectiveSchema,
  Hello,
  Passage,
  StreamRequest,
  StreamResponseSchema,
} from "@glassline/proto/otqmn";
import { NackCode as WireNackCode } from "@glassline/proto/otqmn";
import type { Identity } from "@glassline/service/identity";
import type { Random } from "@glassline/service/random";

import type { MemoryHold } from "../core/memory-budget.ts";
import type { Closable } from "../core/memory-limit.ts";
import type { ProducerState, Producers } from "../core/producers.ts";
import type { Arrived, IntakeDeps } from "./batch-intake.ts";
import { BatchIntake, BatchRefusal, MemoryRefusal } from "./batch-intake.ts";
import type { SealedStream } from "./sealed-stream.ts";

/** Batches of a stream that are decoded and not durable; more wait where they are small: on the wire. */
const UNDER_WAY_MAX = 48;

const LIMITS: Omit<CollectorLimits, "streamLifetimeMs" | "windowBytes"> = {
  batchMaxBytes: STREAM_LIMITS.batchMaxBytes,
  reorderMaxBatches: 64,
  silenceTimeoutMs: 10_000,
  admissionHeartbeatMs: 2_000,
  drainTimeoutMs: 10_000,
};

const WIRE_CODES: Record<NackCode, WireNackCode> = {
  invalid: WireNackCode.INVALID,
  "beyond-credit": WireNackCode.INVALID,
  unauthenticated: WireNackCode.UNAUTHENTICATED,
  gap: WireNackCode.GAP,
  superseded: WireNackCode.SUPERSEDED,
  unavailable: WireNackCode.UNAVAILABLE,
};

export interface OtqmnReceiverDeps extends Omit<IntakeDeps, "memory" | "decoders"> {
  producers: Producers;
  random: Random;
  identity: Identity;
  streamLifetimeMs: number;
  admissionsPerSecond: number;
  /** May this process store the producer's batches, and from where on? */
  claim: Claim;
  streamsMax: number;
  /** For what all streams hold together, and what their decoders remember. */
  memoryBytes: number;
  decodersBytes: number;
  /** Of the process. */
  memoryLimit: Closable;
}

/** Resolves with the sequence number up to which batches are durable elsewhere. */
export type Claim = (producer: string, incarnation: Uint8Array) => Promise<number>;

export interface StreamDeps extends OtqmnReceiverDeps, IntakeDeps {
  /** Calls `acknowledge` after some milliseconds, once. */
  acknowledgeSoon: (stream: OtqmnStream) => void;
  /** The stream that was opened last, of each producer. */
  serving: WeakMap<ProducerState, OtqmnStream>;
  /** Calls back when another producer may be let in. @returns a way to wait no longer. */
  whenTurn: (enter: () => void) => () => void;
  /** What a stream may hold and may yet be sent, at present. */
  windowBytes: () => number;
}

export class OtqmnStream {
  readonly #stream: SealedStream;
  readonly #deps: StreamDeps;
  readonly #limits: CollectorLimits;
  #session;
  #producer: ProducerState | undefined;
  #intake: BatchIntake | undefined;
  #owedCredit = 0;
  readonly #hold: MemoryHold;
  #leaveAdmission = () => {};
  /** Batches that are taken and not durable. */
  #underWay = 0;

  constructor(stream: SealedStream, deps: StreamDeps) {
    this.#stream = stream;
    this.#deps = deps;
    this.#limits = {
      ...LIMITS,
      windowBytes: deps.windowBytes(),
      streamLifetimeMs: deps.streamLifetimeMs * (0.8 + 0.4 * deps.random()),
    };
    this.#session = newCollectorSession<Arrived>(deps.clock.monotonicMs());
    this.#hold = deps.memory.hold();
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

  /** Time passes. One that is not read, because the disk is behind, cannot be heard. */
  tick(): void {
    if (this.#underWay >= UNDER_WAY_MAX) this.dispatch({ type: "heard" });
    this.dispatch({ type: "tick" });
  }

  receive({ message, passage }: StreamRequest): void {
    if (message.case === "hello") this.#hello(message.value);
    if (message.case === "heartbeat") this.#heartbeat();
    if (message.case === "batch") this.#batch(message.value, passage);
  }

  #batch(batch: Batch, passage: Passage | undefined): void {
    if (this.#session.state === "closed") return;
    const { seq, keySeq, payload } = batch;
    const sizeBytes = payload.length;
    const refused = { type: "append-refused", seq: 0, sizeBytes: 0 } as const;
    if (seq < 1n || seq > SEQ_MAX || keySeq < 1n || keySeq > seq) {
      const reason = `seq: got ${seq} built on ${keySeq}, expected 1 to ${SEQ_MAX} built on none later`;
      return this.dispatch({ ...refused, code: "invalid", reason });
    }
    const { pipeline, memory, metrics } = this.#deps;
    if (this.#producer && !pipeline.keepsRun(this.#producer))
      this.dispatch({ type: "run-expired" });
    if (!this.#hold.grow(sizeBytes)) {
      const { reason: metricReason, message: reason } = new MemoryRefusal("otqmn_memory", memory);
      metrics.dropped.inc({ reason: metricReason });
      return this.dispatch({ ...refused, seq: Number(seq), code: "unavailable", reason });
    }
    this.dispatch({
      type: "batch",
      seq: Number(seq),
      keySeq: Number(keySeq),
      sizeBytes,
      // Those that wait leave room for those for which they wait.
      mayWait: memory.bytes <= memory.maxBytes / 2,
      batch: { batch, passage },
    });
  }

  dispatch(event: CollectorEvent<Arrived>): void {
    this.#limits.windowBytes = this.#deps.windowBytes();
    const { session, effects } = stepCollector(
      this.#session,
      event,
      this.#deps.clock.monotonicMs(),
      this.#limits,
    );
    this.#session = session;
    this.#hold.shrink(this.#hold.bytes - session.heldBytes);
    if (session.state === "closed") this.#closed();
    for (const effect of effects) this.#carryOut(effect);
  }

  #closed(): void {
    this.#leaveAdmission();
    this.#intake?.[Symbol.dispose]();
    if (this.#producer)
      this.#producer.connected &&= this.#deps.serving.get(this.#producer) !== this;
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
    if (isFirst) this.#leaveAdmission = this.#deps.whenTurn(() => void this.#admit(hello));
  }

  async #admit(hello: Hello): Promise<void> {
    if (this.#session.state !== "admitting") return;
    try {
      const { producer, incarnation, firstUnackedSeq } = verifyHello(
        hello,
        this.#deps.identity.ca,
        this.#deps.clock.nowMs(),
      );
      const claimedSeq = await this.#deps.claim(producer, incarnation);
      const durableSeq = Math.max(claimedSeq, Number(firstUnackedSeq) - 1);
      const state = this.#deps.producers.admit(producer, incarnation, durableSeq);
      if (this.#session.state !== "admitting") return;
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
        return this.#welcome(effect.creditBytes);
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
    this.#deps.metrics.dropped.inc({ reason: `nack_${code.replace("-", "_")}` });
    this.#send({
      message: { case: "nack", value: { seq: BigInt(seq), code: WIRE_CODES[code], reason } },
    });
  }

  #welcome(creditBytes: number): void {
    const value = {
      durableSeq: BigInt(this.#producer!.durableSeq),
      creditBytes: BigInt(creditBytes),
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
    const sizeBytes = batch.batch.payload.length;
    if (++this.#underWay === UNDER_WAY_MAX) this.#stream.pause();
    try {
      await this.#intake!.take(seq, keySeq, batch);
      this.dispatch({ type: "durable", seq, sizeBytes });
    } catch (error) {
      if (!(error instanceof BatchRefusal)) throw error;
      const { code, message: reason } = error;
      this.dispatch({ type: "append-refused", seq, sizeBytes, code, reason });
    } finally {
      if (this.#underWay-- === UNDER_WAY_MAX) this.#stream.resume();
    }
  }

  #send(message: MessageInitShape<typeof StreamResponseSchema>): void {
    this.#stream.send(message);
  }
}

function wireDirective({ cameraId, action }: Directive): MessageInitShape<typeof DirectiveSchema> {
  return "reportNow" in action
    ? { cameraId, action: { case: "reportNow", value: true } }
    : { cameraId, action: { case: "samplingIntervalMs", value: action.samplingIntervalMs } };
}
