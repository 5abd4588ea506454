/** Two ends and a network between them, in virtual time. */
import { createSecretKey, randomBytes } from "node:crypto";

import type { SessionKeys } from "@glassline/quantum/keys/epochs";
import { seededRandom } from "@glassline/service/random";
import { expect } from "vitest";

import type { Pads, SealedRecord } from "./session.ts";
import { RECORD_MAX_BYTES, SealedSession } from "./session.ts";

const direction = () => ({ key: createSecretKey(randomBytes(32)), fixed: randomBytes(4) });

function keyPair(index: number): [SessionKeys, SessionKeys] {
  const [there, back] = [direction(), direction()];
  const source = "none" as const;
  return [
    { sending: there, receiving: back, source, theirIndex: index, ownIndex: index + 1 },
    { sending: back, receiving: there, source, theirIndex: index + 1, ownIndex: index },
  ];
}

export const bytesOf = (records: readonly SealedRecord[]) => records.map(({ bytes }) => bytes);

export class Pair {
  readonly a: SealedSession;
  readonly b: SealedSession;
  readonly heard = { a: [] as Buffer[], b: [] as Buffer[] };
  nowMs = 0;
  records = 0;
  isClosedAtB = false;
  readonly #random: () => number;
  #lost: number;
  readonly #delayMs: number;
  #underWay: { atMs: number; to: "a" | "b"; record: Buffer }[] = [];

  /** @param pads of a and b. */
  constructor({ seed = 1, lost = 0, delayMs = 5 } = {}, pads: readonly Pads[] = []) {
    [this.a, this.b] = [0, 1].map((end) => new SealedSession(undefined, undefined, pads[end])) as [
      SealedSession,
      SealedSession,
    ];
    [this.#random, this.#lost, this.#delayMs] = [seededRandom(seed), lost, delayMs];
    this.rekey(1);
  }

  set lost(share: number) {
    this.#lost = share;
  }

  rekey(index: number): void {
    const [ofA, ofB] = keyPair(index);
    for (const [end, keys] of [
      [this.a, ofA],
      [this.b, ofB],
    ] as const) {
      end.begin(keys, this.nowMs);
      end.turnTo(keys, this.nowMs);
    }
  }

  run(lengthMs: number): void {
    for (const untilMs = this.nowMs + lengthMs; this.nowMs < untilMs; this.nowMs++) {
      this.#send("b", bytesOf(this.a.records(this.nowMs)));
      this.#send("a", bytesOf(this.b.records(this.nowMs)));
      const due = this.#underWay.filter(({ atMs }) => atMs <= this.nowMs);
      this.#underWay = this.#underWay.filter(({ atMs }) => atMs > this.nowMs);
      for (const { to, record } of due) this.deliver(to, record);
    }
  }

  deliver(to: "a" | "b", record: Buffer): ReturnType<SealedSession["open"]> {
    const heard = this[to].open(record, this.nowMs);
    if (typeof heard === "string") return heard;
    this.heard[to].push(...heard.messages.map((message) => Buffer.from(message)));
    if (to === "b") this.isClosedAtB ||= heard.isClosed;
    return heard;
  }

  #send(to: "a" | "b", records: Buffer[]): void {
    for (const record of records) {
      expect(record.length).toBeLessThanOrEqual(RECORD_MAX_BYTES);
      this.records++;
      if (this.#random() < this.#lost) continue;
      // Some overtake others.
      const atMs = this.nowMs + this.#delayMs * (1 + this.#random());
      this.#underWay.push({ atMs, to, record });
    }
  }
}

export const message = (at: number, bytes = 200) => Buffer.alloc(bytes, `${at} `);
