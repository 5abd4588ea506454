import fc from "fast-check";
import { expect, test } from "vitest";

import type { OwnershipEffect } from "./ownership.ts";
import { Ownership } from "./ownership.ts";

const SHARDS = 3;
const CAMERA = { producer: "camera-1", incarnation: "ab" };

/** Shards that keep what they are told, store while they may, die and come back; messages are on their way for a while. */
class Model {
  readonly ownership = new Ownership(SHARDS);
  readonly shards = Array.from({ length: SHARDS }, () => ({
    isUp: false,
    mayStore: false,
    known: 0,
    inLog: 0,
    claims: 0,
    life: 0,
  }));
  /** To a shard, in order; those to a life before are lost. */
  readonly down: { life: number; effect: OwnershipEffect }[][] = this.shards.map(() => []);
  readonly up: { life: number; deliver: () => void }[][] = this.shards.map(() => []);
  /** Everything that was ever stored, once each. */
  readonly stored: number[] = [];

  send(effects: OwnershipEffect[]): void {
    for (const effect of effects)
      this.down[effect.shard]!.push({ life: this.shards[effect.shard]!.life, effect });
  }

  start(at: number): void {
    const shard = this.shards[at]!;
    if (shard.isUp) return;
    Object.assign(shard, { isUp: true, mayStore: false, known: shard.inLog });
    this.send(this.ownership.joined(at, [{ ...CAMERA, durableSeq: shard.inLog }]));
  }

  die(at: number): void {
    const shard = this.shards[at]!;
    if (!shard.isUp) return;
    Object.assign(shard, { isUp: false, mayStore: false, life: shard.life + 1 });
    this.ownership.left(at);
  }

  claim(at: number): void {
    const shard = this.shards[at]!;
    if (!shard.isUp) return;
    const claim = ++shard.claims;
    this.#tell(at, () => this.send(this.ownership.claimed(at, claim, CAMERA)));
  }

  store(at: number): void {
    const shard = this.shards[at]!;
    if (!shard.isUp || !shard.mayStore) return;
    shard.known++;
    shard.inLog = shard.known;
    this.stored.push(shard.known);
  }

  deliverDown(at: number): void {
    const shard = this.shards[at]!;
    const message = this.down[at]!.shift();
    if (!message || message.life !== shard.life || !shard.isUp) return;
    if (message.effect.type === "grant") {
      shard.mayStore = true;
      shard.known = Math.max(shard.known, message.effect.durableSeq);
    } else if (message.effect.type === "ask-release") {
      shard.mayStore = false;
      const mark = { ...CAMERA, durableSeq: shard.known };
      this.#tell(at, () => this.send(this.ownership.released(at, mark)));
    }
  }

  deliverUp(at: number): void {
    const message = this.up[at]!.shift();
    if (message?.life === this.shards[at]!.life) message.deliver();
  }

  #tell(at: number, deliver: () => void): void {
    this.up[at]!.push({ life: this.shards[at]!.life, deliver });
  }
}

const STEPS = ["start", "die", "claim", "store", "store", "deliverDown", "deliverUp"] as const;

test("one shard stores at a time, each batch once, whoever dies when", () => {
  const steps = fc.array(fc.tuple(fc.constantFrom(...STEPS), fc.nat(SHARDS - 1)), {
    maxLength: 300,
    size: "max",
  });
  fc.assert(
    fc.property(steps, (run) => {
      const model = new Model();
      for (const [step, at] of run) {
        model[step](at);
        expect(model.shards.filter(({ mayStore }) => mayStore).length).toBeLessThanOrEqual(1);
      }
      expect(model.stored).toEqual(model.stored.map((_, at) => at + 1));
    }),
    { numRuns: 2_000 },
  );
});

test("a claim is granted once all shards are up and messages arrive", () => {
  const model = new Model();
  const settle = () => {
    for (let round = 0; round < 10; round++)
      for (let at = 0; at < SHARDS; at++) {
        model.deliverUp(at);
        model.deliverDown(at);
      }
  };
  model.start(0);
  model.start(1);
  model.claim(0);
  settle();
  expect(model.shards[0]!.mayStore).toBe(false);
  model.start(2);
  settle();
  expect(model.shards[0]!.mayStore).toBe(true);
  model.store(0);
  model.claim(1);
  settle();
  expect(model.shards.map(({ mayStore }) => mayStore)).toEqual([false, true, false]);
  model.store(1);
  model.die(1);
  model.claim(2);
  settle();
  expect(model.shards[2]!.mayStore).toBe(false);
  model.start(1);
  settle();
  expect(model.shards[2]!).toMatchObject({ mayStore: true, known: 2 });
});

test("shards that had a producer are told that it has moved", () => {
  const ownership = new Ownership(3);
  const mark = { ...CAMERA, durableSeq: 1 };
  const moved = (effects: OwnershipEffect[]) =>
    effects.flatMap((effect) => (effect.type === "moved" ? [effect.shard] : []));
  ownership.joined(0, [mark]);
  ownership.joined(1, [mark]);
  ownership.joined(2, []);
  expect(moved(ownership.claimed(2, 1, CAMERA))).toEqual([0, 1]);
  ownership.claimed(0, 1, CAMERA);
  expect(moved(ownership.released(2, mark))).toEqual([2]);
  expect(moved(ownership.claimed(0, 2, CAMERA))).toEqual([]);
});

test("a new incarnation at another shard has moved too, and a shard that comes back is told", () => {
  const ownership = new Ownership(2);
  ownership.joined(0, []);
  ownership.joined(1, []);
  const at = (incarnation: string) => ({ producer: "camera-1", incarnation });
  ownership.claimed(0, 1, at("a"));
  expect(ownership.claimed(1, 1, at("b"))).toContainEqual({
    type: "moved",
    shard: 0,
    producer: "camera-1",
  });
  ownership.left(0);
  expect(ownership.joined(0, [{ ...at("a"), durableSeq: 3 }])).toContainEqual({
    type: "moved",
    shard: 0,
    producer: "camera-1",
  });
});

test("marks of several shards are kept, in whatever order they come", () => {
  const ownership = new Ownership(2);
  const mark = (incarnation: string, durableSeq: number) => ({
    ...CAMERA,
    incarnation,
    durableSeq,
  });
  ownership.joined(1, [mark("e", 5)]);
  ownership.joined(
    0,
    ["a", "b", "c", "d"].map((one) => mark(one, 1)),
  );
  expect(ownership.claimed(0, 1, mark("e", 0))).toContainEqual(
    expect.objectContaining({ type: "grant", durableSeq: 5 }),
  );
});

test("of one producer, the newest incarnations are kept", () => {
  const ownership = new Ownership(1);
  const mark = (at: number) => ({ producer: "camera-1", incarnation: String(at), durableSeq: 5 });
  ownership.joined(
    0,
    Array.from({ length: 10 }, (_, at) => mark(at)),
  );
  expect(ownership.claimed(0, 1, mark(9))).toMatchObject([{ type: "grant", durableSeq: 5 }]);
  expect(ownership.claimed(0, 2, mark(0))).toMatchObject([{ type: "grant", durableSeq: 0 }]);
});
