/** The states, events and effects of the collector's side of a session. */
import type { Directive } from "./directive.ts";

/** "greeting": waits for Hello. "admitting": Hello came, and waits for its turn. "admitted": takes batches. "draining": asked the producer to go. "closed": the end. */
export type CollectorState = "greeting" | "admitting" | "admitted" | "draining" | "closed";

export interface CollectorSession<B> {
  readonly state: CollectorState;
  /** The next batch that goes to the log. */
  readonly expectedSeq: number;
  readonly durableSeq: number;
  /** What the producer may send before it is given more; below zero by less than a batch. */
  readonly creditBytes: number;
  /** Batches that wait for an earlier one, and those that were handed to the log and are not durable yet. */
  readonly heldBytes: number;
  /** The key batch on which those appended last are built; 0 when only a key batch can be read next. */
  readonly runKeySeq: number;
  /** Batches that came before one that is missing. */
  readonly early: ReadonlyMap<number, Arrival<B>>;
  /** The gap that was last reported, so that it is reported once. */
  readonly reportedGap: number;
  readonly openedMs: number;
  readonly heardMs: number;
}

export interface Arrival<B> {
  seq: number;
  /** The key batch that it is built on; itself when it can be read alone. (key batch, sequence number) tells what the bytes are. */
  keySeq: number;
  sizeBytes: number;
  batch: B;
}

export type CollectorEvent<B> =
  | { type: "hello-received" }
  | { type: "hello-accepted"; durableSeq: number; firstUnackedSeq: number }
  | { type: "hello-refused"; code: NackCode; reason: string }
  /** `mayWait`: there is memory for it if one before it is missing. */
  | ({ type: "batch"; mayWait: boolean } & Arrival<B>)
  | { type: "durable"; seq: number; sizeBytes: number }
  /** `sizeBytes`: of a batch that was to be appended; 0 when it did not come so far. */
  | { type: "append-refused"; seq: number; sizeBytes: number; code: NackCode; reason: string }
  | { type: "superseded" }
  /** A segment of the log has begun: it should not need the one before it for long. */
  | { type: "key-batch-wanted" }
  /** What the key batch said will not be kept: the next batch has to be one. */
  | { type: "run-expired" }
  | { type: "direct"; directive: Directive }
  | { type: "heard" }
  | { type: "drain" }
  | { type: "ended" }
  | { type: "tick" };

export type NackCode =
  | "invalid"
  | "beyond-credit"
  | "unauthenticated"
  | "gap"
  | "superseded"
  | "unavailable";

export type CollectorEffect<B> =
  | { type: "send-welcome"; durableSeq: number; creditBytes: number }
  | { type: "append"; seq: number; keySeq: number; batch: B }
  | { type: "send-ack"; receivedSeq: number; durableSeq: number }
  | { type: "send-nack"; seq: number; code: NackCode; reason: string }
  | { type: "send-credit"; creditBytes: number }
  | { type: "send-heartbeat" }
  | { type: "send-key-batch-request" }
  | { type: "send-directive"; directive: Directive }
  | { type: "send-drain" }
  /** A batch that the log holds already. */
  | { type: "count-replay"; seq: number }
  | { type: "end" };

export interface CollectorLimits {
  /** Credit and what is held together: what is held no longer may be sent again. May change at any time. */
  windowBytes: number;
  batchMaxBytes: number;
  reorderMaxBatches: number;
  silenceTimeoutMs: number;
  /** One that waits for its turn hears something so often. */
  admissionHeartbeatMs: number;
  streamLifetimeMs: number;
  /** A draining stream that does not go by itself is ended after this. */
  drainTimeoutMs: number;
}

export interface CollectorStep<B> {
  session: CollectorSession<B>;
  effects: readonly CollectorEffect<B>[];
}
