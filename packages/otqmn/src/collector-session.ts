/**
 * The collector's side of one stream, as a pure state machine: (session, event) -> (session, effects). What outlives the
 * stream (producer, incarnation, durable sequence number) is the log's, and comes in with the accepted Hello.
 */

import type { Directive } from "./directive.ts";
import type {
  Arrival,
  CollectorEffect,
  CollectorEvent,
  CollectorLimits,
  CollectorSession,
  CollectorState,
  CollectorStep,
  NackCode,
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
  return handler(session, event, { nowMs, limits });
}

type Session = CollectorSession<unknown>;
type Step = CollectorStep<unknown>;

const stay: Handler<unknown, unknown> = (session) => ({ session, effects: [] });
const heard: Handler<unknown, unknown> = (session, _event, { nowMs }) => ({
  session: { ...session, heardMs: nowMs },
  effects: [],
});
const closed: Handler<unknown, unknown> = (session) => ({
  session: { ...session, state: "closed", early: new Map() },
  effects: [],
});

function refuse(session: Session, seq: number, code: NackCode, reason: string): Step {
  return {
    session: { ...session, state: "closed", early: new Map() },
    effects: [{ type: "send-nack", seq, code, reason }, { type: "end" }],
  };
}

const admit: Handler<unknown, { durableSeq: number; firstUnackedSeq: number }> = (
  session,
  event,
  { nowMs },
) => {
  // Bundles before the first unacknowledged one are durable at another collector: this log begins after them.
  const durableSeq = Math.max(event.durableSeq, event.firstUnackedSeq - 1);
  return {
    session: {
      ...session,
      state: "admitted",
      durableSeq,
      expectedSeq: durableSeq + 1,
      heardMs: nowMs,
    },
    effects: [{ type: "send-welcome", durableSeq }],
  };
};

const batch: Handler<unknown, Arrival<unknown>> = (session, event, { nowMs, limits }) => {
  const alive = { ...session, heardMs: nowMs };
  const { seq, keySeq, sizeBytes } = event;
  if (seq < session.expectedSeq) return replay(alive, event);
  if (seq > session.expectedSeq) return early(alive, event, limits);
  if (isReadable(session.runKeySeq, event)) return appendInOrder(alive, event);
  const reason = `batch ${seq} is built on batch ${keySeq}, which is not the run's first`;
  return reportGap(alive, reason, [creditOf(sizeBytes)]);
};

function isReadable(runKeySeq: number, { seq, keySeq }: Arrival<unknown>): boolean {
  return keySeq === seq || (keySeq === runKeySeq && keySeq > 0);
}

const creditOf = (creditBytes: number) => ({ type: "send-credit", creditBytes }) as const;

function replay(session: Session, { seq, sizeBytes }: Arrival<unknown>): Step {
  const effects = [{ type: "count-replay", seq } as const, ackOf(session), creditOf(sizeBytes)];
  return { session, effects };
}

function ackOf(session: Session): CollectorEffect<unknown> {
  return { type: "send-ack", receivedSeq: session.expectedSeq - 1, durableSeq: session.durableSeq };
}

function early(session: Session, event: Arrival<unknown>, limits: CollectorLimits): Step {
  const known = session.early.get(event.seq);
  if (known && known.keySeq >= event.keySeq) return replay(session, event);
  const fits = known !== undefined || session.early.size < limits.reorderMaxBatches;
  const kept = fits ? { ...session, early: new Map(session.early).set(event.seq, event) } : session;
  // What was sent again, after a gap, replaces what was built on a run that will not go on.
  const given = fits ? known : event;
  const reason = `batch ${event.seq} came, batch ${session.expectedSeq} was expected`;
  return reportGap(kept, reason, given ? [creditOf(given.sizeBytes)] : []);
}

/** Each gap once. */
function reportGap(session: Session, reason: string, rest: CollectorEffect<unknown>[]): Step {
  const seq = session.expectedSeq;
  if (session.reportedGap === seq) return { session, effects: rest };
  return {
    session: { ...session, reportedGap: seq },
    effects: [{ type: "send-nack", seq, code: "gap", reason }, ...rest],
  };
}

/** The batch, and those that waited for it; those of an older run can never be read. */
function appendInOrder(session: Session, event: Arrival<unknown>): Step {
  const effects: CollectorEffect<unknown>[] = [];
  const waiting = new Map<number, Arrival<unknown>>();
  for (const [seq, held] of session.early) {
    if (held.keySeq < event.keySeq) effects.push(creditOf(held.sizeBytes));
    else waiting.set(seq, held);
  }
  let last = event;
  for (
    let next: Arrival<unknown> | undefined = event;
    next && isReadable(last.keySeq, next);
    next = waiting.get(last.seq + 1)
  ) {
    effects.push({ type: "append", seq: next.seq, keySeq: next.keySeq, batch: next.batch });
    waiting.delete(next.seq);
    last = next;
  }
  const moved = { runKeySeq: last.keySeq, expectedSeq: last.seq + 1, early: waiting };
  return { session: { ...session, ...moved }, effects };
}

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

const durable: Handler<unknown, { seq: number; sizeBytes: number }> = (
  session,
  { seq, sizeBytes },
) => {
  const moved = { ...session, durableSeq: Math.max(session.durableSeq, seq) };
  return {
    session: moved,
    effects: [ackOf(moved), { type: "send-credit", creditBytes: sizeBytes }],
  };
};

const appendRefused: Handler<unknown, { seq: number; code: NackCode; reason: string }> = (
  session,
  event,
) => refuse(session, event.seq, event.code, event.reason);

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
    durable: stay,
    "append-refused": stay,
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
