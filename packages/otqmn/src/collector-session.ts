/**
 * The collector's side of one stream, as a pure state machine: (session, event) -> (session, effects). What outlives the
 * stream (producer, incarnation, durable sequence number) is the log's, and comes in with the accepted Hello.
 */

import { ackOf, ended, refuse, takeBatch } from "./collector-batches.ts";
import type { Directive } from "./directive.ts";
import type {
  Arrival,
  CollectorEvent,
  CollectorLimits,
  CollectorSession,
  CollectorState,
  CollectorStep,
} from "./collector-types.ts";

export type * from "./collector-types.ts";

interface At {
  nowMs: number;
  limits: CollectorLimits;
}

type Handler<B, E> = (session: CollectorSession<B>, event: E, at: At) => CollectorStep<B>;
type Table<B> = {
  [S in CollectorState]: {
    [T in CollectorEvent<B>["type"]]: Handler<B, Extract<CollectorEvent<B>, { type: T }>>;
  };
};

export function newCollectorSession<B>(nowMs: number): CollectorSession<B> {
  return {
    state: "greeting",
    expectedSeq: 0,
    durableSeq: 0,
    creditBytes: 0,
    heldBytes: 0,
    runKeySeq: 0,
    early: new Map(),
    reportedGap: 0,
    openedMs: nowMs,
    heardMs: nowMs,
  };
}

export function stepCollector<B>(
  session: CollectorSession<B>,
  event: CollectorEvent<B>,
  nowMs: number,
  limits: CollectorLimits,
): CollectorStep<B> {
  const handler = (TABLE as Table<B>)[session.state][event.type] as Handler<B, CollectorEvent<B>>;
  return withCredit(handler(session, event, { nowMs, limits }), limits);
}

/** The one place where credit is given after Welcome. */
function withCredit<B>(step: CollectorStep<B>, { windowBytes }: CollectorLimits): CollectorStep<B> {
  const { session, effects } = step;
  const creditBytes = windowBytes - session.heldBytes - session.creditBytes;
  const isOpen = session.state === "admitted" || session.state === "draining";
  if (!isOpen || creditBytes <= 0) return step;
  return {
    session: { ...session, creditBytes: session.creditBytes + creditBytes },
    effects: [...effects, { type: "send-credit", creditBytes }],
  };
}

type BatchEvent = Extract<CollectorEvent<unknown>, { type: "batch" }>;

const stay: Handler<unknown, unknown> = (session) => ({ session, effects: [] });
const heard: Handler<unknown, unknown> = (session, _event, { nowMs }) => ({
  session: { ...session, heardMs: nowMs },
  effects: [],
});
const closed: Handler<unknown, unknown> = (session) => ({ session: ended(session), effects: [] });

const release: Handler<unknown, { sizeBytes: number }> = (session, { sizeBytes }) => ({
  session: { ...session, heldBytes: session.heldBytes - sizeBytes },
  effects: [],
});

const admit: Handler<unknown, { durableSeq: number; firstUnackedSeq: number }> = (
  session,
  event,
  { nowMs, limits },
) => {
  const creditBytes = limits.windowBytes;
  // Bundles before the first unacknowledged one are durable at another collector: this log begins after them.
  const durableSeq = Math.max(event.durableSeq, event.firstUnackedSeq - 1);
  return {
    session: {
      ...session,
      state: "admitted",
      durableSeq,
      creditBytes,
      expectedSeq: durableSeq + 1,
      heardMs: nowMs,
    },
    effects: [{ type: "send-welcome", durableSeq, creditBytes }],
  };
};

const batch: Handler<unknown, BatchEvent> = (session, event, { nowMs, limits }) =>
  takeBatch(session, event, nowMs, limits);

const wantKeyBatch: Handler<unknown, unknown> = (session) => ({
  session,
  effects: [{ type: "send-key-batch-request" }],
});

const direct: Handler<unknown, { directive: Directive }> = (session, { directive }) => ({
  session,
  effects: [{ type: "send-directive", directive }],
});

const expireRun: Handler<unknown, unknown> = (session) => ({
  session: { ...session, runKeySeq: 0 },
  effects: [],
});

const durable: Handler<unknown, { seq: number; sizeBytes: number }> = (session, event) => {
  const durableSeq = Math.max(session.durableSeq, event.seq);
  const heldBytes = session.heldBytes - event.sizeBytes;
  const moved = { ...session, durableSeq, heldBytes };
  return { session: moved, effects: [ackOf(moved)] };
};

const appendRefused: Handler<
  unknown,
  Extract<CollectorEvent<unknown>, { type: "append-refused" }>
> = (session, event, at) =>
  refuse(release(session, event, at).session, event.seq, event.code, event.reason);

const superseded: Handler<unknown, unknown> = (session) =>
  refuse(session, 0, "superseded", "a newer stream of this producer took over");

const startDraining: Handler<unknown, unknown> = (session, _event, { nowMs }) => ({
  session: { ...session, state: "draining", openedMs: nowMs },
  effects: [{ type: "send-drain" }],
});

const tick: Handler<unknown, unknown> = (session, event, at) => {
  if (at.nowMs - session.heardMs > at.limits.silenceTimeoutMs) {
    return refuse(session, 0, "unavailable", `nothing heard for ${at.limits.silenceTimeoutMs} ms`);
  }
  return at.nowMs - session.openedMs > at.limits.streamLifetimeMs
    ? startDraining(session, event, at)
    : { session, effects: [] };
};

const tickWhileGreeting: Handler<unknown, unknown> = (session, _event, { nowMs, limits }) =>
  nowMs - session.openedMs > limits.silenceTimeoutMs
    ? refuse(session, 0, "unavailable", `no Hello for ${limits.silenceTimeoutMs} ms`)
    : { session, effects: [] };

const tickWhileDraining: Handler<unknown, unknown> = (session, _event, { nowMs, limits }) =>
  nowMs - session.openedMs > limits.drainTimeoutMs
    ? refuse(session, 0, "unavailable", "the stream has reached its greatest age")
    : { session, effects: [] };

const helloReceived: Handler<unknown, unknown> = (session, _event, { nowMs }) => ({
  session: { ...session, state: "admitting", heardMs: nowMs },
  effects: [],
});

/** The producer should not think that nobody is there. */
const tickWhileAdmitting: Handler<unknown, unknown> = (session, _event, { nowMs, limits }) =>
  nowMs - session.heardMs < limits.admissionHeartbeatMs
    ? { session, effects: [] }
    : { session: { ...session, heardMs: nowMs }, effects: [{ type: "send-heartbeat" }] };

const secondHello: Handler<unknown, unknown> = (session) =>
  refuse(session, 0, "invalid", "got a second Hello, expected Batch");

const tooEarly: Handler<unknown, Arrival<unknown>> = (session, event) =>
  refuse(session, event.seq, "invalid", "got a Batch, expected Hello");

/** Every state meets every event: forgetting one does not compile. */
const TABLE: Table<unknown> = {
  greeting: {
    "hello-received": helloReceived,
    "hello-accepted": stay,
    "hello-refused": (session, event) => refuse(session, 0, event.code, event.reason),
    batch: tooEarly,
    durable: stay,
    "append-refused": stay,
    superseded,
    "key-batch-wanted": stay,
    "run-expired": stay,
    direct: stay,
    heard,
    drain: startDraining,
    ended: closed,
    tick: tickWhileGreeting,
  },
  admitting: {
    "hello-received": secondHello,
    "hello-accepted": admit,
    "hello-refused": (session, event) => refuse(session, 0, event.code, event.reason),
    batch: tooEarly,
    durable: stay,
    "append-refused": stay,
    superseded,
    "key-batch-wanted": stay,
    "run-expired": stay,
    direct: stay,
    heard: stay,
    drain: startDraining,
    ended: closed,
    tick: tickWhileAdmitting,
  },
  admitted: {
    "hello-received": secondHello,
    "hello-accepted": stay,
    "hello-refused": stay,
    batch,
    durable,
    "append-refused": appendRefused,
    superseded,
    "key-batch-wanted": wantKeyBatch,
    "run-expired": expireRun,
    direct,
    heard,
    drain: startDraining,
    ended: closed,
    tick,
  },
  draining: {
    "hello-received": secondHello,
    "hello-accepted": stay,
    "hello-refused": stay,
    batch,
    durable,
    "append-refused": appendRefused,
    superseded,
    "key-batch-wanted": stay,
    "run-expired": expireRun,
    direct,
    heard,
    drain: stay,
    ended: closed,
    tick: tickWhileDraining,
  },
  closed: {
    "hello-received": stay,
    "hello-accepted": stay,
    "hello-refused": stay,
    batch: stay,
    durable: release,
    "append-refused": release,
    superseded: stay,
    "key-batch-wanted": stay,
    "run-expired": stay,
    direct: stay,
    heard: stay,
    drain: stay,
    ended: stay,
    tick: stay,
  },
};
