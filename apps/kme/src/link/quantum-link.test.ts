import type { Remark } from "@glassline/proto/kme";
import { PRESETS } from "@glassline/quantum/physics/presets";
import { systemClock } from "@glassline/service/clock";
import { seededRandom } from "@glassline/service/random";
import { describe, expect, test } from "vitest";

import { chshOf, qberOf } from "@glassline/quantum/physics/pairs";
import { WaitingKeys } from "../core/waiting-keys.ts";
import type { Outcome } from "./link-end.ts";
import type { PairLink } from "./light-source.ts";
import { QuantumLink } from "./quantum-link.ts";
import { remark } from "./remarks.ts";

const SECRET = new Uint8Array(32).fill(5);
const KEYS = { number: 2, sizeBytes: 32 };
const PAIRS: PairLink = { share: 0.3, fidelity: 0.98, path: ["kme-1", "repeater", "kme-2"] };
const NAMES = { masterSaeId: "node-1", slaveSaeId: "node-2" };

interface Options {
  secret?: Uint8Array;
  storeBytes?: number;
  pairs?: PairLink;
  eavesdropped?: number;
}

function openEnd(
  isSender: boolean,
  { secret = SECRET, storeBytes = 65_536, pairs, eavesdropped = 0 }: Options = {},
) {
  const waiting = new WaitingKeys({ keys: 100, lifetimeMs: 60_000 }, () => {});
  const outcomes: Outcome[] = [];
  const link = new QuantumLink({
    peer: isSender ? "kme-2" : "kme-1",
    isSender,
    link: { ...PRESETS.metro, lengthKm: 5 },
    pairs,
    pulses: 262_144,
    blockBits: 15_000,
    storeBytes,
    eavesdropped,
    secret,
    waiting,
    accepts: ({ masterSaeId }) => masterSaeId !== "stranger",
    clock: systemClock,
    random: seededRandom(isSender ? 1 : 2),
    ended: (outcome) => outcomes.push(outcome),
  });
  return { link, waiting, outcomes };
}

/** Both ends with a connection that gives each remark on at once. @param altered as it comes out; undefined: it does not. */
function connect(
  one: QuantumLink,
  other: QuantumLink,
  altered: (said: Remark) => Remark | undefined = (said) => said,
) {
  const queue: (() => void)[] = [];
  let isRunning = false;
  const run = () => {
    if (isRunning) return;
    isRunning = true;
    try {
      for (let next = queue.shift(); next; next = queue.shift()) next();
    } finally {
      isRunning = false;
    }
  };
  const hear: Partial<Record<"one" | "other", (said: Remark) => void>> = {};
  const sayTo = (end: "one" | "other") => (said: Remark) => {
    const comes = altered(said);
    if (comes) queue.push(() => hear[end]!(comes));
    if (hear.one && hear.other) run();
  };
  const [toOther, toOne] = [sayTo("other"), sayTo("one")];
  hear.one = one.opened(toOther);
  hear.other = other.opened(toOne);
  run();
  return { toOther, toOne };
}

/** Until the sender has four keys of 256 bits; that takes some blocks, as chance will have it. */
function untilKeys({ link }: ReturnType<typeof openEnd>): void {
  for (let frames = 0; link.stored(32) < 4; frames++) {
    if (frames > 500) throw new Error("no keys came");
    link.light();
  }
}

describe("a quantum link", () => {
  test("has keys for both ends, until it is down: then there is nothing", async () => {
    const [sender, receiver] = [openEnd(true), openEnd(false)];
    const { toOther, toOne } = connect(sender.link, receiver.link);
    untilKeys(sender);
    const ours = await sender.link.take(KEYS, NAMES);
    const ids = ours.map(({ id }) => id);
    expect(receiver.waiting.take(NAMES, ids, 0)).toEqual(ours);
    const theirs = await receiver.link.take(KEYS, NAMES);
    expect(new Set([...ours, ...theirs].map(({ key }) => key.toString())).size).toBe(4);
    sender.link.closed(toOther);
    receiver.link.closed(toOne);
    await expect(sender.link.take(KEYS, NAMES)).rejects.toThrow("no quantum link to kme-2");
    expect(sender.link.status()).toMatchObject({ isUp: false, storedBytes: 0n });

    connect(sender.link, receiver.link);
    await expect(sender.link.take(KEYS, NAMES)).rejects.toThrow("have 0");
    untilKeys(sender);
    const again = await sender.link.take(KEYS, NAMES);
    expect(
      receiver.waiting.take(
        NAMES,
        again.map(({ id }) => id),
        0,
      ),
    ).toEqual(again);
  });

  test.each([
    ["clicked", (value: { bases: Uint8Array }) => void (value.bases[7]! ^= 1)],
    ["sifted", (value: { strengths: Uint8Array }) => void (value.strengths[0]! ^= 1)],
    ["answers", (value: { parities: Uint8Array }) => void (value.parities[0]! ^= 1)],
    ["verify", (value: { errors: number }) => void value.errors++],
    ["verdict", (value: { seed: Uint8Array }) => void (value.seed[0]! ^= 1)],
    ["tag", (value: { tag: Uint8Array }) => void (value.tag[0]! ^= 1)],
  ])("is given up when somebody changes what is said (%s)", (kind, alter) => {
    const [sender, receiver] = [openEnd(true), openEnd(false)];
    let isDone = false;
    const altered = (said: Remark) => {
      if (isDone || said.remark.case !== kind) return said;
      isDone = true;
      const copy = structuredClone(said.remark.value) as never;
      alter(copy);
      return remark({ case: kind, value: copy } as never);
    };
    connect(sender.link, receiver.link, altered);
    expect(() => untilKeys(sender)).toThrow(/tag is wrong|^sifting|^strengths|^bits/);
    expect(receiver.outcomes.filter(({ halves }) => halves)).toEqual([]);
  });

  test("has keys of entangled pairs, and shows that they were", async () => {
    const [sender, receiver] = [openEnd(true, { pairs: PAIRS }), openEnd(false)];
    connect(sender.link, receiver.link);
    untilKeys(sender);
    const ours = await sender.link.take(KEYS, NAMES);
    const ids = ours.map(({ id }) => id);
    expect(receiver.waiting.take(NAMES, ids, 0)).toEqual(ours);
    const { qber, chsh, ...status } = sender.link.status();
    expect(status).toMatchObject({ protocol: "e91", path: PAIRS.path });
    expect(Math.abs(chsh! - chshOf(PAIRS.fidelity))).toBeLessThan(0.1);
    expect(Math.abs(qber! - qberOf(PAIRS.fidelity))).toBeLessThan(0.01);
    expect(receiver.link.status()).toMatchObject({ protocol: "e91", path: [] });
  });

  test("has none of pairs at which somebody looks, nor of too poor ones", () => {
    for (const options of [
      { pairs: PAIRS, eavesdropped: 1 },
      { pairs: { ...PAIRS, fidelity: 0.8 } },
    ]) {
      const [sender, receiver] = [openEnd(true, options), openEnd(false)];
      connect(sender.link, receiver.link);
      while (sender.outcomes.length === 0) sender.link.light();
      expect(sender.outcomes[0]!.halves).toBeUndefined();
      expect(sender.link.status().chsh).toBeLessThan(2.3);
      expect(sender.link.stored(32)).toBe(0);
    }
  });

  test("is none where the two ends have different secrets", () => {
    const [sender, receiver] = [openEnd(true), openEnd(false, { secret: SECRET.with(0, 6) })];
    connect(sender.link, receiver.link);
    expect(() => untilKeys(sender)).toThrow("the sender's tag is wrong");
  });

  test("a key that the other end does not confirm is not given away", async () => {
    const [sender, receiver] = [openEnd(true), openEnd(false)];
    const lossy = (said: Remark) => (said.remark.case === "assigned" ? undefined : said);
    connect(sender.link, receiver.link, lossy);
    untilKeys(sender);
    await expect(sender.link.take(KEYS, NAMES)).rejects.toThrow("kme-2: no answer in time");
  });

  test("keys of a master who is not at the other end are refused, and the next ones are the same", async () => {
    const [sender, receiver] = [openEnd(true), openEnd(false)];
    connect(sender.link, receiver.link);
    untilKeys(sender);
    const asking = sender.link.take(KEYS, { ...NAMES, masterSaeId: "stranger" });
    await expect(asking).rejects.toThrow("or stranger none there");
    expect(receiver.waiting.size).toBe(0);
    const keys = await sender.link.take(KEYS, NAMES);
    expect(
      receiver.waiting.take(
        NAMES,
        keys.map(({ id }) => id),
        0,
      ),
    ).toEqual(keys);
  });

  test("what one end does not use is not heaped up: the other one has all of it then", async () => {
    const storeBytes = 600;
    const [sender, receiver] = [openEnd(true, { storeBytes }), openEnd(false, { storeBytes })];
    connect(sender.link, receiver.link);
    const stock = ({ link }: typeof sender) => Number(link.status().storedBytes);
    let [taken, most] = [0, 0];
    for (let frames = 0; taken < 60; frames++) {
      if (frames > 2_000) throw new Error("no keys came");
      sender.link.light();
      most = Math.max(most, stock(sender));
      if (stock(receiver) < 64) continue;
      const keys = await receiver.link.take(KEYS, NAMES);
      expect(
        sender.waiting.take(
          NAMES,
          keys.map(({ id }) => id),
          0,
        ),
      ).toEqual(keys);
      taken += keys.length;
    }
    expect(most).toBeGreaterThanOrEqual(storeBytes);
    expect(most).toBeLessThan(storeBytes + 1_000);
  });

  test("keys of which the other end has given away others are refused", () => {
    const [sender, receiver] = [openEnd(true), openEnd(false)];
    const { toOther } = connect(sender.link, receiver.link);
    untilKeys(sender);
    const value = { request: 9n, ...NAMES, keyIds: ["a"], keyBytes: 32, offset: 64n };
    expect(() => toOther(remark({ case: "assign", value }))).toThrow("got offset 64, expected 0");
    const tooMuch = { ...value, keyBytes: 1_000_000, offset: 0n };
    expect(() => toOther(remark({ case: "assign", value: tooMuch }))).toThrow("more than there is");
  });
});
