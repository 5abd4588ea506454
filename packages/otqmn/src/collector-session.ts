/**
 * The collector's side of one stream, as a pure state machine: (session, event) -> (session, effects). What outlives the
 * stream (producer, incarnation, durable sequence number) is the log's, and comes in with the accepted Hello.
 */

/** "greeting": waits for Hello. "admitted": takes batches. "draining": asked the producer to go. "closed": the end. */
export type CollectorState = "greeting" | "admitted" | "draining" | "closed";

export interface CollectorSession<B> {
  readonly state: CollectorState;
  /** The next batch that goes to the log. */
  readonly expectedSeq: number;
  readonly durableSeq: number;
  /** Batches that came before one that is missing. */
  readonly early: ReadonlyMap<number, B>;
  /** The gap that was last reported, so that it is reported once. */
  readonly reportedGap: number;
  readonly openedMs: number;
  readonly heardMs: number;
}

export type CollectorEvent<B> =
  | { type: "hello-accepted"; durableSeq: number; firstUnackedSeq: number }
  | { type: "hello-refused"; code: NackCode; reason: string }
  | { type: "batch"; seq: number; sizeBytes: number; batch: B }
  | { type: "durable"; seq: number; sizeBytes: number }
  | { type: "append-refused"; seq: number; code: NackCode; reason: string }
  | { type: "superseded" }
  | { type: "heard" }
  | { type: "drain" }
  | { type: "ended" }
  | { type: "tick" };

export type NackCode = "invalid" | "unauthenticated" | "gap" | "superseded" | "unavailable";

export type CollectorEffect<B> =
  | { type: "send-welcome"; durableSeq: number }
  | { type: "append"; seq: number; batch: B }
  | { type: "send-ack"; receivedSeq: number; durableSeq: number }
  | { type: "send-nack"; seq: number; code: NackCode; reason: string }
  | { type: "send-credit"; creditBytes: number }
  | { type: "send-drain" }
  /** A batch that the log holds already. */
  | { type: "count-replay"; seq: number }
  | { type: "end" };

export interface CollectorLimits {
  reorderMaxBatches: number;
  silenceTimeoutMs: number;
  streamLifetimeMs: number;
  /** A draining stream that does not go by itself is ended after this. */
  drainTimeoutMs: number;
}

export interface CollectorStep<B> {
  session: CollectorSession<B>;
  effects: readonly CollectorEffect<B>[];
}

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

interface Arrival {
  seq: number;
  sizeBytes: number;
  batch: unknown;
}

const batch: Handler<unknown, Arrival> = (session, event, { nowMs, limits }) => {
  const alive = { ...session, heardMs: nowMs };
  if (event.seq < session.expectedSeq || session.early.has(event.seq)) return replay(alive, event);
  if (event.seq > session.expectedSeq) return early(alive, event, limits);
  return appendInOrder(alive, event);
};

function replay(session: Session, { seq, sizeBytes }: Arrival): Step {
  const credit = { type: "send-credit", creditBytes: sizeBytes } as const;
  return { session, effects: [{ type: "count-replay", seq }, ackOf(session), credit] };
}

function ackOf(session: Session): CollectorEffect<unknown> {
  return { type: "send-ack", receivedSeq: session.expectedSeq - 1, durableSeq: session.durableSeq };
}

function early(session: Session, event: Arrival, limits: CollectorLimits): Step {
  const fits = session.early.size < limits.reorderMaxBatches;
  const kept = fits
    ? { ...session, early: new Map(session.early).set(event.seq, event.batch) }
    : session;
  const credit = fits ? [] : [{ type: "send-credit", creditBytes: event.sizeBytes } as const];
  if (session.reportedGap === session.expectedSeq) return { session: kept, effects: credit };
  const reason = `batch ${event.seq} came, batch ${session.expectedSeq} was expected`;
  return {
    session: { ...kept, reportedGap: session.expectedSeq },
    effects: [{ type: "send-nack", seq: session.expectedSeq, code: "gap", reason }, ...credit],
  };
}

/** The batch, and those that waited for it. */
function appendInOrder(session: Session, event: Arrival): Step {
  const effects: CollectorEffect<unknown>[] = [
    { type: "append", seq: event.seq, batch: event.batch },
  ];
  const waiting = new Map(session.early);
  let expectedSeq = event.seq + 1;
  for (; waiting.has(expectedSeq); expectedSeq++) {
    effects.push({ type: "append", seq: expectedSeq, batch: waiting.get(expectedSeq) });
    waiting.delete(expectedSeq);
  }
  return { session: { ...session, expectedSeq, early: waiting }, effects };
}

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

/** Every state meets every event: forgetting one does not compile. */
const TABLE: Table<unknown> = {
  greeting: {
    "hello-accepted": admit,
    "hello-refused": (session, event) => refuse(session, 0, event.code, event.reason),
    batch: (session, event) => refuse(session, event.seq, "invalid", "got a Batch, expected Hello"),
    durable: stay,
    "append-refused": stay,
    superseded,
    heard,
    drain: startDraining,
    ended: closed,
    tick: tickWhileGreeting,
  },
  admitted: {
    "hello-accepted": (session) =>
      refuse(session, 0, "invalid", "got a second Hello, expected Batch"),
    "hello-refused": (session) =>
      refuse(session, 0, "invalid", "got a second Hello, expected Batch"),
    batch,
    durable,
    "append-refused": appendRefused,
    superseded,
    heard,
    drain: startDraining,
    ended: closed,
    tick,
  },
  draining: {
    "hello-accepted": (session) =>
      refuse(session, 0, "invalid", "got a second Hello, expected Batch"),
    "hello-refused": (session) =>
      refuse(session, 0, "invalid", "got a second Hello, expected Batch"),
    batch,
    durable,
    "append-refused": appendRefused,
    superseded,
    heard,
    drain: stay,
    ended: closed,
    tick: tickWhileDraining,
  },
  closed: {
    "hello-accepted": stay,
    "hello-refused": stay,
    batch: stay,
    durable: stay,
    "append-refused": stay,
    superseded: stay,
    heard: stay,
    drain: stay,
    ended: stay,
    tick: stay,
  },
};
