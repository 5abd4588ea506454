/**
 * The producer's side of a session, as a pure state machine: (session, event) -> (session, effects). It outlives streams.
 * The driver (apps/mesh-node/src/gateway) reads the ring, owns the stream and carries out the effects.
 */

import type {
  ProducerEvent,
  ProducerLimits,
  ProducerSession,
  ProducerState,
  Step,
} from "./producer-types.ts";
import type { Directive } from "./directive.ts";
import { isStarved, pump, withForget } from "./producer-transmission.ts";
import { PRODUCER_LIMITS } from "./producer-types.ts";

export type * from "./producer-types.ts";
export { PRODUCER_LIMITS } from "./producer-types.ts";

interface At {
  nowMs: number;
  limits: ProducerLimits;
}

type Handler<E> = (session: ProducerSession, event: E, at: At) => Step;
type EventType = ProducerEvent["type"];
type Table = {
  [S in ProducerState]: { [T in EventType]: Handler<Extract<ProducerEvent, { type: T }>> };
};

export function newProducerSession(headSeq: number, durableSeq: number): ProducerSession {
  return {
    state: "idle",
    headSeq,
    durableSeq,
    nextSeq: durableSeq + 1,
    sentSeq: headSeq,
    creditBytes: 0,
    mustBeginAnew: true,
    runLength: 0,
    transmitting: false,
    progressMs: 0,
    heardMs: 0,
    sentMs: 0,
    refusedBehind: -1,
    reason: "",
  };
}

export function stepProducer(
  session: ProducerSession,
  event: ProducerEvent,
  nowMs: number,
  limits: ProducerLimits = PRODUCER_LIMITS,
): Step {
  const handler = TABLE[session.state][event.type] as Handler<ProducerEvent>;
  return handler(session, event, { nowMs, limits });
}

const stay: Handler<unknown> = (session) => ({ session, effects: [] });

const opened: Handler<unknown> = (session, _event, { nowMs }) => ({
  session: { ...session, state: "greeting", heardMs: nowMs, progressMs: nowMs, sentMs: nowMs },
  effects: [{ type: "send-hello", firstUnackedSeq: session.durableSeq + 1 }],
});

/** What is left of a session when its stream has ended: the next one begins behind what is durable. */
const withoutStream = (session: ProducerSession, reason: string): ProducerSession => ({
  ...session,
  state: "idle",
  nextSeq: session.durableSeq + 1,
  creditBytes: 0,
  mustBeginAnew: true,
  transmitting: false,
  reason,
});

const closed: Handler<{ reason: string }> = (session, { reason }) => ({
  session: withoutStream(session, reason),
  effects: [],
});

const giveUp = (session: ProducerSession, reason: string): Step => ({
  session: withoutStream(session, reason),
  effects: [{ type: "close", reason }],
});

const unexpected =
  (what: string): Handler<unknown> =>
  (session) =>
    giveUp(session, `protocol: got ${what} while ${session.state}`);

const appended: Handler<{ headSeq: number }> = (session, { headSeq }) => ({
  session: { ...session, headSeq },
  effects: [],
});

const appendedWhileStreaming: Handler<{ headSeq: number }> = (
  session,
  { headSeq },
  { nowMs, limits },
) => {
  const nothingWasUnderWay = session.durableSeq === session.headSeq;
  const progressMs = nothingWasUnderWay ? nowMs : session.progressMs;
  return pump({ ...session, headSeq, progressMs }, limits);
};

const welcome: Handler<{ durableSeq: number; creditBytes: number }> = (
  session,
  event,
  { nowMs, limits },
) => {
  if (event.durableSeq > session.sentSeq) {
    return { session, effects: [{ type: "renew", durableSeq: event.durableSeq }] };
  }
  const durableSeq = Math.max(session.durableSeq, event.durableSeq);
  const welcomed: ProducerSession = {
    ...session,
    state: "streaming",
    durableSeq,
    nextSeq: durableSeq + 1,
    creditBytes: event.creditBytes,
    heardMs: nowMs,
    progressMs: nowMs,
    reason: "",
  };
  return withForget(session, pump(welcomed, limits));
};

const ack: Handler<{ durableSeq: number; creditBytes: number }> = (
  session,
  event,
  { nowMs, limits },
) => {
  if (event.durableSeq > session.headSeq) {
    return giveUp(
      session,
      `protocol: got an Ack of ${event.durableSeq}, expected at most ${session.headSeq}`,
    );
  }
  const heardNow = {
    ...session,
    creditBytes: session.creditBytes + event.creditBytes,
    heardMs: nowMs,
  };
  if (event.durableSeq <= session.durableSeq) return pump(heardNow, limits);
  const nextSeq = Math.max(session.nextSeq, event.durableSeq + 1);
  const moved = { ...heardNow, durableSeq: event.durableSeq, nextSeq, progressMs: nowMs };
  return withForget(session, pump(moved, limits));
};

const nack: Handler<Extract<ProducerEvent, { type: "nack" }>> = (
  session,
  event,
  { nowMs, limits },
) => {
  if (event.code === "gap" && event.seq > session.durableSeq && event.seq <= session.nextSeq) {
    // What is being transmitted may be the very bundle that is missed, or one behind it: the collector tells them apart.
    return pump({ ...session, nextSeq: event.seq, mustBeginAnew: true, heardMs: nowMs }, limits);
  }
  if (event.code === "permanent") {
    const { durableSeq } = session;
    // A batch that builds on others may be read when it comes again as a key batch: once, without a pause.
    if (session.state === "streaming" && session.refusedBehind !== durableSeq)
      return giveUp({ ...session, refusedBehind: durableSeq }, event.reason);
    return {
      session: { ...session, state: "refused", reason: event.reason, heardMs: nowMs },
      effects: [{ type: "close", reason: event.reason }],
    };
  }
  return giveUp(session, event.reason);
};

const credit: Handler<{ creditBytes: number }> = (session, event, { nowMs, limits }) =>
  pump(
    { ...session, creditBytes: session.creditBytes + event.creditBytes, heardMs: nowMs },
    limits,
  );

const wantKeyBatch: Handler<unknown> = (session, _event, { nowMs }) => ({
  session: { ...session, mustBeginAnew: true, heardMs: nowMs },
  effects: [],
});

const heard: Handler<unknown> = (session, _event, { nowMs }) => ({
  session: { ...session, heardMs: nowMs },
  effects: [],
});

const directed: Handler<{ directive: Directive }> = (session, { directive }, { nowMs }) => ({
  session: { ...session, heardMs: nowMs },
  effects: [{ type: "direct", directive }],
});

const transmitted: Handler<{ seq: number; sizeBytes: number }> = (
  session,
  { seq, sizeBytes },
  { nowMs, limits },
) => {
  // After a gap was reported the cursor stands elsewhere: then this bundle will be sent again.
  const nextSeq = session.nextSeq === seq ? seq + 1 : session.nextSeq;
  const sent = {
    ...session,
    nextSeq,
    sentSeq: Math.max(session.sentSeq, seq),
    creditBytes: session.creditBytes - sizeBytes,
    transmitting: false,
    sentMs: nowMs,
  };
  return pump(sent, limits);
};

const drain: Handler<unknown> = (session, _event, { nowMs }) =>
  finishDraining({ ...session, state: "draining", heardMs: nowMs });

const transmittedWhileDraining: typeof transmitted = (session, event, at) => {
  const { session: after } = transmitted(session, event, at);
  return finishDraining({ ...after, transmitting: false });
};

const ackWhileDraining: typeof ack = (session, event, at) => {
  const step = ack(session, event, at);
  if (step.session.state !== "draining") return step;
  const done = finishDraining(step.session);
  return { session: done.session, effects: [...step.effects, ...done.effects] };
};

/** A draining stream sends nothing new and ends when all that was sent is durable. */
function finishDraining(session: ProducerSession): Step {
  const allDurable = session.durableSeq === session.nextSeq - 1 && !session.transmitting;
  return allDurable ? giveUp(session, "drained") : { session, effects: [] };
}

const tick: Handler<unknown> = (session, _event, { nowMs, limits }) => {
  if (nowMs - session.heardMs > limits.silenceTimeoutMs)
    return giveUp(session, `nothing heard for ${limits.silenceTimeoutMs} ms`);
  const waiting = session.durableSeq < session.nextSeq - 1 || isStarved(session);
  if (waiting && nowMs - session.progressMs > limits.ackTimeoutMs) {
    return giveUp(
      session,
      `bundle ${session.durableSeq + 1} not durable after ${limits.ackTimeoutMs} ms`,
    );
  }
  const rested = waiting ? session : { ...session, progressMs: nowMs };
  if (nowMs - session.sentMs < limits.heartbeatIntervalMs) return { session: rested, effects: [] };
  return { session: { ...rested, sentMs: nowMs }, effects: [{ type: "send-heartbeat" }] };
};

/** The cause may have passed: a clock was set right, a certificate renewed. */
const tickWhileRefused: Handler<unknown> = (session, _event, { nowMs, limits }) => {
  if (nowMs - session.heardMs < limits.refusedPauseMs) return { session, effects: [] };
  return { session: { ...session, state: "idle", nextSeq: session.durableSeq + 1 }, effects: [] };
};

const tickWhileGreeting: Handler<unknown> = (session, _event, { nowMs, limits }) =>
  nowMs - session.heardMs > limits.silenceTimeoutMs
    ? giveUp(session, "no answer to Hello")
    : { session, effects: [] };

/** Every state meets every event: forgetting one does not compile. */
const TABLE: Table = {
  idle: {
    opened,
    closed: stay,
    welcome: stay,
    ack: stay,
    nack: stay,
    credit: stay,
    "key-batch-wanted": stay,
    directed: stay,
    drain: stay,
    heard: stay,
    appended,
    transmitted: stay,
    tick: stay,
  },
  greeting: {
    opened: stay,
    closed,
    welcome,
    ack: unexpected("Ack"),
    nack,
    credit: unexpected("Credit"),
    "key-batch-wanted": stay,
    directed: stay,
    drain: (session) => giveUp(session, "drained"),
    heard,
    appended,
    transmitted: stay,
    tick: tickWhileGreeting,
  },
  streaming: {
    opened: stay,
    closed,
    welcome: unexpected("a second Welcome"),
    ack,
    nack,
    credit,
    "key-batch-wanted": wantKeyBatch,
    directed,
    drain,
    heard,
    appended: appendedWhileStreaming,
    transmitted,
    tick,
  },
  draining: {
    opened: stay,
    closed,
    welcome: unexpected("a second Welcome"),
    ack: ackWhileDraining,
    nack: (session, event) => giveUp(session, event.reason),
    credit: heard,
    "key-batch-wanted": heard,
    directed,
    drain: stay,
    heard,
    appended,
    transmitted: transmittedWhileDraining,
    tick,
  },
  refused: {
    opened: stay,
    closed: stay,
    welcome: stay,
    ack: stay,
    nack: stay,
    credit: stay,
    "key-batch-wanted": stay,
    directed: stay,
    drain: stay,
    heard: stay,
    appended,
    transmitted: stay,
    tick: tickWhileRefused,
  },
};
