/** The states, events and effects of a producer's session. */
import type { Directive } from "./directive.ts";

/** "idle": no stream. "greeting": Hello is sent. "draining": the collector asked for another stream. "refused": tried again after a long pause. */
export type ProducerState = "idle" | "greeting" | "streaming" | "draining" | "refused";

export interface ProducerSession {
  readonly state: ProducerState;
  /** Last bundle in the ring; 0 when there is none. Sequence numbers are safe integers. */
  readonly headSeq: number;
  /** Last bundle that the collector holds durably. */
  readonly durableSeq: number;
  /** The bundle to send next. */
  readonly nextSeq: number;
  /** No collector can have seen a bundle beyond this one from this ring. */
  readonly sentSeq: number;
  /** May go below zero by one batch. */
  readonly creditBytes: number;
  /** The next batch has to be a key batch: a new stream, a gap, a wish of the collector. */
  readonly mustBeginAnew: boolean;
  /** Batches since the last key batch, itself included. */
  readonly runLength: number;
  /** True while the driver reads and sends a bundle. */
  readonly transmitting: boolean;
  /** When the collector last moved us forward (or there was nothing to wait for), and when it was last heard. */
  readonly progressMs: number;
  readonly heardMs: number;
  readonly sentMs: number;
  /** `durableSeq` when a batch was refused last; -1 before. */
  readonly refusedBehind: number;
  /** Why the session was refused, or the last stream ended. */
  readonly reason: string;
}

export type ProducerEvent =
  | { type: "opened" }
  | { type: "closed"; reason: string }
  | { type: "welcome"; durableSeq: number; creditBytes: number }
  | { type: "ack"; durableSeq: number; creditBytes: number }
  | { type: "nack"; seq: number; code: "gap" | "transient" | "permanent"; reason: string }
  | { type: "credit"; creditBytes: number }
  | { type: "key-batch-wanted" }
  | { type: "directed"; directive: Directive }
  | { type: "drain" }
  | { type: "heard" }
  | { type: "appended"; headSeq: number }
  | { type: "transmitted"; seq: number; sizeBytes: number }
  | { type: "tick" };

export type ProducerEffect =
  | { type: "send-hello"; firstUnackedSeq: number }
  /** @param anew as a key batch. */
  | { type: "transmit"; seq: number; anew: boolean }
  | { type: "send-heartbeat" }
  | { type: "forget"; durableSeq: number }
  /** Pass it on to the cameras. */
  | { type: "direct"; directive: Directive }
  /** The collector knows more than the ring: the ring was lost and came back older. A new incarnation is needed. */
  | { type: "renew"; durableSeq: number }
  | { type: "close"; reason: string };

export interface ProducerLimits {
  /** Sent but not durable for so long: the stream is given up. */
  ackTimeoutMs: number;
  /** Nothing heard for so long: the stream is given up. */
  silenceTimeoutMs: number;
  heartbeatIntervalMs: number;
  /** A run of batches that build on one another is at most so long. */
  runMaxBatches: number;
  /** After a refusal that another stream will hardly change. */
  refusedPauseMs: number;
}

export const PRODUCER_LIMITS: ProducerLimits = {
  ackTimeoutMs: 4_000,
  silenceTimeoutMs: 6_000,
  heartbeatIntervalMs: 1_000,
  runMaxBatches: 1_000,
  refusedPauseMs: 30_000,
};

export interface Step {
  session: ProducerSession;
  effects: readonly ProducerEffect[];
}
