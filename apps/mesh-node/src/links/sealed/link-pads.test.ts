/** Two ends and key managers that have the same keys. */
import { randomBytes, randomUUID } from "node:crypto";

import type { Frame } from "@glassline/proto/mesh";
import { FrameSchema } from "@glassline/proto/mesh";
import type { QuantumKey } from "@glassline/quantum/keys/epoch";
import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";

import type { KeySupply } from "./key-supply.ts";
import { NO_KEYS } from "./key-supply.ts";
import { LinkPads } from "./link-pads.ts";

class Managers implements KeySupply {
  readonly fresh = NO_KEYS.fresh;
  readonly stock = NO_KEYS.stock;
  readonly waiting = new Map<string, QuantumKey>();
  areLost = false;

  pads = async (_neighbour: string, maxBytes: number) => {
    const keys = Array.from({ length: Math.floor(maxBytes / 512) }, () => this.#make());
    for (const key of keys) this.waiting.set(key.id, { ...key, key: Uint8Array.from(key.key) });
    return keys;
  };

  known = async (_neighbour: string, ids: readonly string[]) => {
    const keys = ids.flatMap((id) => this.waiting.get(id) ?? []);
    for (const id of ids) this.waiting.delete(id);
    return this.areLost ? [] : keys;
  };

  #make(): QuantumKey {
    return { id: randomUUID(), key: new Uint8Array(randomBytes(512)), source: "sim" };
  }
}

class Ends {
  readonly managers = new Managers();
  filled = 0;
  readonly told: Frame["frame"][] = [];
  readonly dialler = this.#end("b", (frame) => this.#toOther(frame));
  readonly other = this.#end("a", (frame) => this.#toDialler(frame));

  #end(neighbour: string, hear: (frame: Frame["frame"]) => void): LinkPads {
    return new LinkPads({
      neighbour,
      keys: this.managers,
      tell: (init) => {
        const { frame } = create(FrameSchema, { frame: init });
        this.told.push(frame);
        queueMicrotask(() => hear(frame));
        return true;
      },
      filled: () => void this.filled++,
    });
  }

  #toOther(frame: Frame["frame"]): void {
    if (frame.case === "padOffer") this.other.offered(frame.value);
  }

  #toDialler(frame: Frame["frame"]): void {
    if (frame.case === "padAnswer") this.dialler.answered(frame.value);
  }
}

const stockOf = (bytes: number) => ({ keys: bytes / 32, madePerS: 0, qber: undefined });

test("both ends have the same pads, in both directions; what handshakes need stays", async () => {
  const { dialler, other, managers } = new Ends();
  await dialler.refill(stockOf(2_048 + 4_096));
  expect([dialler.sending.left, dialler.receiving.left]).toEqual([2_048, 2_048]);
  expect([other.receiving.left, other.sending.left, managers.waiting.size]).toEqual([
    2_048, 2_048, 0,
  ]);
  const messages = [randomBytes(700), randomBytes(600)];
  expect(
    messages.map((one) => Buffer.from(other.receiving.open(dialler.sending.seal(one))!)),
  ).toEqual(messages);
  expect(
    messages.map((one) => Buffer.from(dialler.receiving.open(other.sending.seal(one))!)),
  ).toEqual(messages);
});

test("there is so much of them and no more", async () => {
  const ends = new Ends();
  for (let look = 0; look < 3; look++) await ends.dialler.refill(stockOf(1_000_000));
  expect([ends.dialler.sending.left, ends.dialler.receiving.left]).toEqual([16_384, 16_384]);
  expect([ends.told.length, ends.filled]).toEqual([4, 2]);
  ends.dialler.sending.seal(new Uint8Array(10_000));
  await ends.dialler.refill(stockOf(1_000_000));
  expect(ends.dialler.sending.left).toBe(6_384 + 9_728);
});

test("keys that the other end cannot have are used by nobody", async () => {
  const { dialler, other, managers } = new Ends();
  managers.areLost = true;
  await dialler.refill(stockOf(9_000));
  const lefts = () =>
    [dialler.sending, dialler.receiving, other.sending, other.receiving].map(({ left }) => left);
  expect(lefts()).toEqual([0, 0, 0, 0]);
  managers.areLost = false;
  await dialler.refill(stockOf(9_000));
  const message = randomBytes(900);
  expect(Buffer.from(dialler.receiving.open(other.sending.seal(message))!)).toEqual(message);
});

test("their time is what is there by what is used, and short when somebody listens", () => {
  const { dialler } = new Ends();
  expect(dialler.lastS(stockOf(2_048), 0)).toBe(0);
  expect(dialler.lastS(stockOf(2_048 + 25_600), 1_000)).toBe(100);
  expect(dialler.lastS({ ...stockOf(100_000), qber: 0.25 }, 2_000)).toBe(25);
  dialler.sending.add(new Uint8Array(10_240));
  dialler.sending.seal(new Uint8Array(10_240));
  expect(dialler.lastS(stockOf(2_048 + 25_600), 12_000)).toBe(25);
  // What it was is forgotten by half in a minute.
  expect(dialler.lastS(stockOf(2_048 + 25_600), 72_000)).toBe(50);
  expect(dialler.lastS(stockOf(2_048 + 25_600), 720_000)).toBe(100);
});

test("what no neighbour would say is an error", async () => {
  const nobody = { neighbour: "b", keys: new Managers(), tell: () => true, filled: () => {} };
  const [dialler, other] = [new LinkPads(nobody), new LinkPads(nobody)];
  expect(() => dialler.answered({ isTaken: true } as never)).toThrow("got one, expected none");
  const offer = (keys: number) =>
    ({ ofDialler: true, keyIds: Array.from({ length: keys }, String) }) as never;
  expect(() => other.offered(offer(513))).toThrow("got 513 keys, expected 512 at most");
  other.offered(offer(1));
  expect(() => other.offered(offer(1))).toThrow("got an offer before the answer");
});

test("nothing is left of them, nor waited for, when the link is over", async () => {
  const { dialler, managers } = new Ends();
  await dialler.refill(stockOf(9_000));
  const refilled = dialler.refill(stockOf(9_000));
  dialler.wipe();
  await refilled;
  expect([dialler.sending.left, dialler.receiving.left, managers.waiting.size > 0]).toEqual([
    0,
    0,
    true,
  ]);
});
