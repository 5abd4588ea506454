import { seededRandom } from "@glassline/service/random";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

import type { CollectorEvent, CollectorSession } from "./collector-session.ts";
import { newCollectorSession, stepCollector } from "./collector-session.ts";
import type { ProducerEvent, ProducerSession } from "./producer-session.ts";
import { PRODUCER_LIMITS, newProducerSession, stepProducer } from "./producer-session.ts";

const BATCH_MAX_BYTES = 100;
const COLLECTOR_LIMITS = {
  windowBytes: 300,
  batchMaxBytes: BATCH_MAX_BYTES,
  reorderMaxBatches: 4,
  silenceTimeoutMs: 6_000,
  admissionHeartbeatMs: 2_000,
  streamLifetimeMs: 20_000,
  drainTimeoutMs: 5_000,
};

/** Events one after another; the effects of the last. */
function producer(events: ProducerEvent[], start = newProducerSession(0, 0), nowMs = 0) {
  let session: ProducerSession = start;
  let effects: readonly unknown[] = [];
  for (const event of events) ({ session, effects } = stepProducer(session, event, nowMs));
  return { session, effects };
}

const STREAMING: ProducerEvent[] = [
  { type: "opened" },
  { type: "welcome", durableSeq: 0, creditBytes: 1_000 },
];

describe("the producer's session", () => {
  test("says Hello when a stream opens and sends from the first bundle that is not durable", () => {
    const opened = producer([{ type: "opened" }], newProducerSession(9, 4));
    expect(opened.effects).toEqual([{ type: "send-hello", firstUnackedSeq: 5 }]);
    const welcomed = producer(
      [{ type: "welcome", durableSeq: 6, creditBytes: 10 }],
      opened.session,
    );
    expect(welcomed.effects).toEqual([
      { type: "forget", durableSeq: 6 },
      { type: "transmit", seq: 7, anew: true },
    ]);
  });

  test("sends nothing without credit, and goes on when it comes", () => {
    const starved = producer([
      ...STREAMING,
      { type: "appended", headSeq: 3 },
      { type: "transmitted", seq: 1, sizeBytes: 2_000 },
    ]);
    expect(starved.effects).toEqual([]);
    expect(producer([{ type: "credit", creditBytes: 1_500 }], starved.session).effects).toEqual([
      { type: "transmit", seq: 2, anew: false },
    ]);
  });

  test("goes back to a reported gap", () => {
    const events: ProducerEvent[] = [
      ...STREAMING,
      { type: "appended", headSeq: 3 },
      { type: "transmitted", seq: 1, sizeBytes: 10 },
      { type: "transmitted", seq: 2, sizeBytes: 10 },
      { type: "transmitted", seq: 3, sizeBytes: 10 },
      { type: "nack", seq: 2, code: "gap", reason: "batch 3 came" },
    ];
    expect(producer(events).effects).toEqual([{ type: "transmit", seq: 2, anew: true }]);
  });

  test("gives a stream up that makes no progress or is silent, and starts again from what is durable", () => {
    const sent = producer([
      ...STREAMING,
      { type: "appended", headSeq: 1 },
      { type: "transmitted", seq: 1, sizeBytes: 10 },
    ]);
    const alive = producer([{ type: "heard" }], sent.session, 4_000);
    const late = producer([{ type: "tick" }], alive.session, PRODUCER_LIMITS.ackTimeoutMs + 1);
    expect(late.effects).toMatchObject([{ type: "close" }]);
    expect(late.session).toMatchObject({ state: "idle", nextSeq: 1 });
    const silent = producer(
      [{ type: "tick" }],
      producer(STREAMING).session,
      PRODUCER_LIMITS.silenceTimeoutMs + 1,
    );
    expect(silent.effects).toMatchObject([{ type: "close" }]);
  });

  test("does not starve for ever when the credit of lost messages is gone", () => {
    const starved = producer([
      ...STREAMING,
      { type: "appended", headSeq: 3 },
      { type: "transmitted", seq: 1, sizeBytes: 2_000 },
      { type: "ack", durableSeq: 1, creditBytes: 0 },
    ]);
    const alive = producer([{ type: "heard" }, { type: "tick" }], starved.session, 3_000);
    expect(
      producer([{ type: "tick" }], alive.session, PRODUCER_LIMITS.ackTimeoutMs + 1).effects,
    ).toMatchObject([{ type: "close" }]);
  });

  test("sends heartbeats while it has nothing to say, and does not give up an idle stream that answers", () => {
    let session = producer(STREAMING).session;
    for (let nowMs = 1_000; nowMs < 60_000; nowMs += 1_000) {
      const beat = producer([{ type: "tick" }], session, nowMs);
      expect(beat.effects).toEqual([{ type: "send-heartbeat" }]);
      session = producer([{ type: "heard" }], beat.session, nowMs).session;
    }
  });

  test("stops for good when it is refused, and asks for a new incarnation when the ring is older than the collector's log", () => {
    const refused = producer([
      { type: "opened" },
      { type: "nack", seq: 0, code: "permanent", reason: "stranger" },
    ]);
    expect(refused.session).toMatchObject({ state: "refused", reason: "stranger" });
    const older = producer(
      [{ type: "opened" }, { type: "welcome", durableSeq: 8, creditBytes: 1 }],
      newProducerSession(3, 2),
    );
    expect(older.effects).toEqual([{ type: "renew", durableSeq: 8 }]);
  });

  test("tries a batch that is refused once more, as a key batch, and then pauses", () => {
    const refusal = { type: "nack", seq: 1, code: "permanent", reason: "symbol" } as const;
    const sent = [
      ...STREAMING,
      { type: "appended", headSeq: 1 },
      { type: "transmitted", seq: 1, sizeBytes: 10 },
      refusal,
    ] as const;
    const once = producer([...sent]);
    expect(once.session).toMatchObject({ state: "idle", mustBeginAnew: true, nextSeq: 1 });
    expect(once.effects).toEqual([{ type: "close", reason: "symbol" }]);
    expect(producer([...sent], once.session).session.state).toBe("refused");
    const moved = producer(
      [...STREAMING, { type: "ack", durableSeq: 1, creditBytes: 0 }, refusal],
      once.session,
    );
    expect(moved.session.state).toBe("idle");
  });

  test("drains: sends nothing new and ends when all that was sent is durable", () => {
    const draining = producer([
      ...STREAMING,
      { type: "appended", headSeq: 2 },
      { type: "drain" },
      { type: "transmitted", seq: 1, sizeBytes: 10 },
    ]);
    expect(draining.session.state).toBe("draining");
    const done = producer([{ type: "ack", durableSeq: 1, creditBytes: 0 }], draining.session);
    expect(done.effects).toEqual([
      { type: "forget", durableSeq: 1 },
      { type: "close", reason: "drained" },
    ]);
  });

  test("survives any sequence of events", () => {
    const seq = fc.integer({ min: 0, max: 6 });
    const event: fc.Arbitrary<ProducerEvent> = fc.oneof(
      fc.constantFrom<ProducerEvent>(
        { type: "opened" },
        { type: "closed", reason: "cut" },
        { type: "drain" },
        { type: "heard" },
        { type: "tick" },
      ),
      seq.map((durableSeq) => ({ type: "welcome" as const, durableSeq, creditBytes: 100 })),
      seq.map((durableSeq) => ({ type: "ack" as const, durableSeq, creditBytes: 5 })),
      seq.map((at) => ({ type: "nack" as const, seq: at, code: "gap" as const, reason: "gap" })),
      seq.map((at) => ({ type: "transmitted" as const, seq: at, sizeBytes: 10 })),
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), (events) => {
        let session = newProducerSession(6, 0);
        for (const [at, next] of events.entries()) {
          const before = session.durableSeq;
          ({ session } = stepProducer(session, next, at * 100));
          expect(session.durableSeq).toBeGreaterThanOrEqual(before);
          expect(session.nextSeq).toBeGreaterThan(session.durableSeq);
          expect(session.durableSeq).toBeLessThanOrEqual(session.headSeq);
        }
      }),
    );
  });
});

describe("the collector's session", () => {
  const step = (session: CollectorSession<string>, event: CollectorEvent<string>, nowMs = 0) =>
    stepCollector(session, event, nowMs, COLLECTOR_LIMITS);
  const admitting = () => step(newCollectorSession<string>(0), { type: "hello-received" }).session;
  const admitted = () =>
    step(admitting(), { type: "hello-accepted", durableSeq: 4, firstUnackedSeq: 3 }).session;
  const arrival = (seq: number, keySeq = 5, sizeBytes = 10, mayWait = true) =>
    ({ type: "batch", seq, keySeq, sizeBytes, mayWait, batch: `b${seq}` }) as const;

  test("welcomes with what is durable, or with what another collector must hold", () => {
    expect(
      step(admitting(), { type: "hello-accepted", durableSeq: 4, firstUnackedSeq: 3 }).effects,
    ).toEqual([{ type: "send-welcome", durableSeq: 4, creditBytes: 300 }]);
    expect(
      step(admitting(), { type: "hello-accepted", durableSeq: 0, firstUnackedSeq: 9 }).effects,
    ).toEqual([{ type: "send-welcome", durableSeq: 8, creditBytes: 300 }]);
  });

  test("tells a producer that waits for its turn that it is heard, for as long as it takes", () => {
    let session = admitting();
    let heartbeats = 0;
    for (let nowMs = 500; nowMs <= 60_000; nowMs += 500) {
      const { session: next, effects } = step(session, { type: "tick" }, nowMs);
      session = next;
      heartbeats += effects.filter(({ type }) => type === "send-heartbeat").length;
    }
    expect(session.state).toBe("admitting");
    expect(heartbeats).toBe(30);
  });

  test("puts batches in order within its bound, reports a gap once, and gives the credit of what it does not keep back", () => {
    let session = admitted();
    const effects = [6, 7, 5].map((seq) => {
      const result = step(session, arrival(seq));
      session = result.session;
      return result.effects;
    });
    expect(effects[0]).toMatchObject([{ type: "send-nack", seq: 5, code: "gap" }]);
    expect(effects[1]).toEqual([]);
    expect(effects[2]).toMatchObject([
      { type: "append", seq: 5 },
      { type: "append", seq: 6 },
      { type: "append", seq: 7 },
    ]);
    for (let seq = 9; seq <= 12; seq++) ({ session } = step(session, arrival(seq)));
    expect(step(session, arrival(13)).effects).toEqual([{ type: "send-credit", creditBytes: 10 }]);
    expect(session.early.size).toBe(COLLECTOR_LIMITS.reorderMaxBatches);
  });

  test("reads a run from its key batch only, and what was sent again after a gap instead of what it replaces", () => {
    let session = admitted();
    const effects = [arrival(5, 4), arrival(6, 4), arrival(5), arrival(6), arrival(7, 4)].map(
      (event) => {
        const result = step(session, event);
        session = result.session;
        return result.effects;
      },
    );
    const credit = { type: "send-credit", creditBytes: 10 };
    expect(effects[0]).toMatchObject([{ type: "send-nack", seq: 5, code: "gap" }, credit]);
    expect(effects[1]).toEqual([]);
    expect(effects[2]).toMatchObject([{ type: "append", seq: 5, keySeq: 5 }, credit]);
    expect(effects[3]).toMatchObject([{ type: "append", seq: 6, keySeq: 5 }]);
    expect(effects[4]).toMatchObject([{ type: "send-nack", seq: 7, code: "gap" }, credit]);
    expect(session).toMatchObject({ heldBytes: 20, creditBytes: 280 });
  });

  test("holds what replaces a batch that waited instead of it, not both", () => {
    const session = [arrival(7, 6), arrival(5), arrival(6), arrival(7)].reduce(
      (before, event) => step(before, event).session,
      admitted(),
    );
    expect(session).toMatchObject({ expectedSeq: 8, heldBytes: 30, creditBytes: 270 });
  });

  test("passes the wish for a key batch on, and takes nothing else when the run's first will go", () => {
    const running = step(admitted(), arrival(5)).session;
    expect(step(running, { type: "key-batch-wanted" }).effects).toEqual([
      { type: "send-key-batch-request" },
    ]);
    const expired = step(running, { type: "run-expired" }).session;
    expect(step(expired, arrival(6)).effects[0]).toMatchObject({ type: "send-nack", seq: 6 });
    expect(step(expired, arrival(6, 6)).effects).toMatchObject([{ type: "append", seq: 6 }]);
  });

  test("recognises a replay, acknowledges it again and stores nothing", () => {
    expect(step(admitted(), arrival(4)).effects).toEqual([
      { type: "count-replay", seq: 4 },
      { type: "send-ack", receivedSeq: 4, durableSeq: 4 },
      { type: "send-credit", creditBytes: 10 },
    ]);
  });

  test("keeps nothing that came too early when there is no memory for it, and takes what is in order", () => {
    const { session, effects } = step(admitted(), arrival(6, 5, 10, false));
    expect(effects).toMatchObject([
      { type: "send-nack", seq: 5, code: "gap" },
      { type: "send-credit", creditBytes: 10 },
    ]);
    expect(session).toMatchObject({ early: new Map(), heldBytes: 0 });
    expect(step(session, arrival(5, 5, 10, false)).effects).toMatchObject([{ type: "append" }]);
  });

  test("ends the stream of a producer that sends beyond its credit, and holds less than the window and a batch", () => {
    let session = admitted();
    let effects: readonly unknown[] = [];
    // Twice the credit; the first one is missing, so all others wait.
    const limits = { ...COLLECTOR_LIMITS, reorderMaxBatches: 64 };
    let mostBytes = 0;
    let seq = 6;
    for (; seq < 66 && session.state === "admitted"; seq++) {
      mostBytes = Math.max(mostBytes, session.heldBytes);
      ({ session, effects } = stepCollector(session, arrival(seq), 0, limits));
    }
    expect([seq, mostBytes]).toEqual([6 + 40, 390]);
    expect(effects).toEqual([
      {
        type: "send-nack",
        seq: 45,
        code: "beyond-credit",
        reason: "batch 45: got 100 bytes beyond the credit, expected less than 100",
      },
      { type: "end" },
    ]);
    expect(session).toMatchObject({ state: "closed", heldBytes: 0 });
  });

  test("refuses a batch that is larger than any may be, also one that would have to wait", () => {
    for (const seq of [5, 6]) {
      const { session, effects } = step(admitted(), arrival(seq, 5, 2 * BATCH_MAX_BYTES));
      expect(session.state).toBe("closed");
      expect(effects[0]).toMatchObject({
        code: "invalid",
        reason: `batch ${seq}: got 200 bytes, expected at most 100`,
      });
    }
  });

  test("takes a smaller window back from what it gives, and gives at once what a larger one allows", () => {
    const narrow = { ...COLLECTOR_LIMITS, windowBytes: 100 };
    let session = step(admitted(), arrival(5, 5, 80)).session;
    const durable = (seq: number, sizeBytes: number) => {
      const result = stepCollector(session, { type: "durable", seq, sizeBytes }, 0, narrow);
      session = result.session;
      return result.effects.filter(({ type }) => type === "send-credit");
    };
    expect(durable(5, 80)).toEqual([]);
    for (let seq = 6; seq <= 8; seq++) ({ session } = step(session, arrival(seq, 5, 60)));
    session = { ...session, creditBytes: 220 - 180 };
    expect([durable(6, 60), durable(7, 60), durable(8, 60)]).toEqual([
      [],
      [],
      [{ type: "send-credit", creditBytes: 60 }],
    ]);
    expect(step(session, { type: "tick" }).effects).toEqual([
      { type: "send-credit", creditBytes: 200 },
    ]);
  });

  test("holds what is on the way to the log until it is there, also when the stream has ended", () => {
    const sent = [5, 6].reduce(
      (session, seq) => step(session, arrival(seq)).session,
      step(admitted(), arrival(9)).session,
    );
    expect(sent.heldBytes).toBe(30);
    const ended = step(sent, { type: "ended" }).session;
    expect(ended.heldBytes).toBe(20);
    const durable = step(ended, { type: "durable", seq: 5, sizeBytes: 10 }).session;
    expect(durable.heldBytes).toBe(10);
    const refusal = { seq: 6, sizeBytes: 10, code: "unavailable", reason: "full" } as const;
    expect(step(durable, { type: "append-refused", ...refusal }).session.heldBytes).toBe(0);
  });

  test("refuses a Batch before Hello, a second Hello and a silent peer", () => {
    expect(step(newCollectorSession<string>(0), arrival(1)).effects).toMatchObject([
      { type: "send-nack", code: "invalid" },
      { type: "end" },
    ]);
    expect(step(admitted(), { type: "hello-received" }).session.state).toBe("closed");
    expect(step(admitting(), { type: "hello-received" }).session.state).toBe("closed");
    expect(step(admitted(), { type: "tick" }, 6_001).effects).toMatchObject([
      { type: "send-nack", code: "unavailable" },
      { type: "end" },
    ]);
  });
});

describe("both sides together, over a carrier that loses, swaps and cuts", () => {
  test.each(Array.from({ length: 60 }, (_, seed) => seed + 1))(
    "every bundle is stored exactly once, seed %i",
    (seed) => {
      const log = simulate(seed);
      expect(log).toEqual(Array.from({ length: BUNDLES }, (_, at) => at + 1));
    },
  );
});

const BUNDLES = 60;

/** A model of the whole: a ring, a carrier with faults until half-time, a log that syncs with delay. Gives what was stored. */
function simulate(seed: number): number[] {
  const random = seededRandom(seed);
  const log: number[] = [];
  let synced = 0;
  let writtenKeySeq = 0;
  let windowBytes = COLLECTOR_LIMITS.windowBytes;
  /** Sizes of what the stream has handed to the log and is not durable yet. */
  const underWay = new Map<number, number>();
  /** The run that a decoder of the collector reads, and how far it is. */
  let read = { keySeq: 0, seq: 0 };
  let producerSide = newProducerSession(0, 0);
  let collectorSide = newCollectorSession<number>(0);
  let nowMs = 0;
  let open = false;
  let faults = true;
  let upstream: CollectorEvent<number>[] = [];
  let downstream: ProducerEvent[] = [];

  const toProducer = (event: ProducerEvent) => {
    const { session, effects } = stepProducer(producerSide, event, nowMs);
    producerSide = session;
    for (const effect of effects) {
      if (effect.type === "send-hello") {
        collectorSide = newCollectorSession<number>(nowMs);
        underWay.clear();
        upstream.push({ type: "hello-received" });
        upstream.push({
          type: "hello-accepted",
          durableSeq: synced,
          firstUnackedSeq: effect.firstUnackedSeq,
        });
      }
      if (effect.type === "transmit") {
        if (effect.anew) writtenKeySeq = effect.seq;
        const sizeBytes = 1 + Math.floor(random() * BATCH_MAX_BYTES);
        upstream.push({
          type: "batch",
          seq: effect.seq,
          keySeq: writtenKeySeq,
          sizeBytes,
          mayWait: random() < 0.9,
          batch: effect.seq,
        });
        toProducer({ type: "transmitted", seq: effect.seq, sizeBytes });
        expect(producerSide.creditBytes).toBeGreaterThan(-BATCH_MAX_BYTES);
      }
      if (effect.type === "send-heartbeat") upstream.push({ type: "heard" });
      if (effect.type === "close") cut();
    }
  };
  const toCollector = (event: CollectorEvent<number>) => {
    const limits = { ...COLLECTOR_LIMITS, windowBytes };
    const { session, effects } = stepCollector(collectorSide, event, nowMs, limits);
    const waiting = collectorSide.early;
    collectorSide = session;
    for (const effect of effects) {
      if (effect.type === "append") {
        const { seq, keySeq } = effect;
        const arrived = event.type === "batch" && event.seq === seq ? event : waiting.get(seq)!;
        underWay.set(seq, arrived.sizeBytes);
        if (seq !== keySeq) expect(read).toEqual({ keySeq, seq: seq - 1 });
        read = { keySeq, seq };
        if (seq === log.length + 1) log.push(effect.batch);
      }
      if (effect.type === "send-key-batch-request") downstream.push({ type: "key-batch-wanted" });
      if (effect.type === "send-welcome")
        downstream.push({
          type: "welcome",
          durableSeq: effect.durableSeq,
          creditBytes: effect.creditBytes,
        });
      if (effect.type === "send-ack")
        downstream.push({ type: "ack", durableSeq: effect.durableSeq, creditBytes: 0 });
      if (effect.type === "send-credit")
        downstream.push({ type: "credit", creditBytes: effect.creditBytes });
      if (effect.type === "send-drain") downstream.push({ type: "drain" });
      if (effect.type === "send-nack") {
        expect(effect.code).not.toBe("beyond-credit");
        downstream.push({
          type: "nack",
          seq: effect.seq,
          code: effect.code === "gap" ? "gap" : "transient",
          reason: effect.reason,
        });
      }
    }
    if (event.type === "heard") downstream.push({ type: "heard" });
    const held = [...collectorSide.early.values()].map(({ sizeBytes }) => sizeBytes);
    const heldBytes = [...held, ...underWay.values()].reduce((sum, bytes) => sum + bytes, 0);
    expect(collectorSide.heldBytes).toBe(heldBytes);
    expect(heldBytes).toBeLessThan(COLLECTOR_LIMITS.windowBytes + BATCH_MAX_BYTES);
    // What the log has already, from a stream before this one, is durable at once.
    for (const seq of underWay.keys()) if (seq <= synced) becameDurable(seq);
  };
  const becameDurable = (seq: number) => {
    const sizeBytes = underWay.get(seq) ?? 0;
    underWay.delete(seq);
    toCollector({ type: "durable", seq, sizeBytes });
  };
  const cut = () => {
    open = false;
    upstream = [];
    downstream = [];
    toCollectorEnd();
  };
  const toCollectorEnd = () =>
    void (collectorSide = stepCollector(
      collectorSide,
      { type: "ended" },
      nowMs,
      COLLECTOR_LIMITS,
    ).session);
  const deliver = <T>(queue: T[], handle: (event: T) => void) => {
    const swap = faults && queue.length > 1 && random() < 0.1;
    const event = queue.splice(swap ? 1 : 0, 1)[0];
    if (event !== undefined && !(faults && random() < 0.05)) handle(event);
  };

  for (let turn = 0; turn < 20_000 && synced < BUNDLES; turn++) {
    nowMs += 20;
    faults = turn < 2_000;
    if (turn % 10 === 0 && producerSide.headSeq < BUNDLES)
      toProducer({ type: "appended", headSeq: producerSide.headSeq + 1 });
    if (!open && producerSide.state === "idle" && random() < 0.3) {
      open = true;
      toProducer({ type: "opened" });
    }
    deliver(upstream, toCollector);
    deliver(downstream, toProducer);
    if (log.length > synced && random() < 0.5) {
      synced++;
      if (open) becameDurable(synced);
    }
    if (turn % 20 === 0) {
      toProducer({ type: "tick" });
      toCollector({ type: "tick" });
    }
    if (random() < 0.05) windowBytes = Math.ceil(random() * COLLECTOR_LIMITS.windowBytes);
    if (random() < 0.02) toCollector({ type: "key-batch-wanted" });
    if (random() < 0.02) toCollector({ type: "run-expired" });
    if (faults && random() < 0.01) {
      cut();
      toProducer({ type: "closed", reason: "cut" });
    }
    // A collector that is killed forgets what it had not synced.
    if (faults && random() < 0.005) {
      log.length = synced;
      cut();
      toProducer({ type: "closed", reason: "killed" });
    }
  }
  return log;
}
