import { randomBytes } from "node:crypto";

import fc from "fast-check";
import { describe, expect, test } from "vitest";

import type { EpochInput } from "./epoch.ts";
import { NoQuantumKey, epochKeys, prefixed } from "./epoch.ts";
import { Opener, OVERHEAD_BYTES, REJECT_AFTER_MS, Sealer, indexOf } from "./records.ts";
import { WINDOW } from "./replay-window.ts";

const INPUT: EpochInput = {
  suite: "glassline/1 x-wing aes-256-gcm sha-256",
  initiator: "node-1",
  responder: "node-2",
  epoch: 3,
  mode: "hybrid",
  transcript: Buffer.alloc(32, 1),
  secrets: [Buffer.alloc(32, 2), Buffer.alloc(32, 3)],
  quantumKey: { id: "key-1", key: Buffer.alloc(32, 4), source: "sim" },
  allowSimulatedKeys: false,
};

const exported = (input: EpochInput): string[] => {
  const { toResponder, toInitiator } = epochKeys(input);
  return [toResponder, toInitiator].map(({ key, fixed }) =>
    Buffer.concat([key.export(), fixed]).toString("hex"),
  );
};

describe("the keys of an epoch", () => {
  test("are the same at both ends, another one a direction, and change with all that goes in", () => {
    const keys = exported(INPUT);
    expect(exported({ ...INPUT })).toEqual(keys);
    expect(keys[0]).not.toBe(keys[1]);
    const others: Partial<EpochInput>[] = [
      { suite: "other" },
      { initiator: "node-9" },
      { responder: "node-9" },
      { initiator: "node-1n", responder: "ode-2" },
      { epoch: 4 },
      { mode: "qkd-required", allowSimulatedKeys: true },
      { transcript: Buffer.alloc(32, 9) },
      { secrets: [Buffer.alloc(32, 2), Buffer.alloc(32, 9)] },
      { secrets: [Buffer.concat([Buffer.alloc(32, 2), Buffer.alloc(32, 3)])] },
      { secrets: [Buffer.alloc(32, 3), Buffer.alloc(32, 2)] },
      { quantumKey: undefined },
      { quantumKey: { ...INPUT.quantumKey!, id: "key-2" } },
      { quantumKey: { ...INPUT.quantumKey!, key: Buffer.alloc(32, 9) } },
    ];
    const all = [keys, ...others.map((other) => exported({ ...INPUT, ...other }))].flat();
    expect(new Set(all).size).toBe(all.length);
  });

  test("where QKD is required there are none without a key of a device", () => {
    const mode = "qkd-required";
    const { id, key } = INPUT.quantumKey!;
    expect(() => epochKeys({ ...INPUT, mode })).toThrow(NoQuantumKey);
    expect(() => epochKeys({ ...INPUT, mode, quantumKey: undefined })).toThrow("got no QKD key");
    const device = { id, key, source: "qkd" } as const;
    expect(epochKeys({ ...INPUT, mode, quantumKey: device }).source).toBe("qkd");
    expect(epochKeys({ ...INPUT, mode, allowSimulatedKeys: true }).source).toBe("sim");
  });

  test("hybrid says what it had", () => {
    expect(epochKeys(INPUT).source).toBe("sim");
    expect(epochKeys({ ...INPUT, quantumKey: undefined }).source).toBe("none");
  });

  test("no two lists of secrets are one string", () => {
    const lists = fc.array(fc.uint8Array({ maxLength: 6 }), { maxLength: 5 });
    fc.assert(
      fc.property(lists, lists, (one, other) => {
        const isSame = prefixed(one).equals(prefixed(other));
        expect(isSame).toBe(JSON.stringify(one) === JSON.stringify(other));
      }),
    );
  });
});

describe("records", () => {
  const pair = () => {
    const { toResponder } = epochKeys(INPUT);
    return { sealer: new Sealer(toResponder, 77, 0), opener: new Opener(toResponder, 0) };
  };

  test("come back whole, once, in any order within the window", () => {
    const { sealer, opener } = pair();
    const contents = Array.from({ length: 100 }, (_, at) => randomBytes(at * 13));
    const records = contents.map((content) => sealer.seal(content, 1));
    for (const [at, record] of [...records.entries()].toReversed()) {
      expect(record).toHaveLength(contents[at]!.length + OVERHEAD_BYTES);
      expect(indexOf(record)).toBe(77);
      expect(opener.open(record, 1)).toEqual({ counter: at, content: contents[at] });
      expect(opener.open(record, 1)).toBe("replayed");
    }
    const [old] = records;
    for (let more = 0; more < WINDOW; more++) opener.open(sealer.seal(Buffer.alloc(1), 1), 1);
    expect(opener.open(old!, 1)).toBe("replayed");
  });

  test("are known by the last bits of their numbers, under new keys too", () => {
    const { toResponder } = epochKeys(INPUT);
    const first = 3 * 2 ** 32 - 2;
    const sealer = new Sealer(toResponder, 77, 0, REJECT_AFTER_MS, first);
    const opener = new Opener(toResponder, 0, REJECT_AFTER_MS, first - 1);
    const records = Array.from({ length: 5 }, () => sealer.seal(Buffer.alloc(9), 1));
    const counters = records.map((record) => opener.open(record, 1));
    expect(counters).toMatchObject([0, 1, 2, 3, 4].map((at) => ({ counter: first + at })));
    expect(opener.newest).toBe(first + 4);
    expect(new Opener(toResponder, 0).open(records[4]!, 1)).toBe("forged");
  });

  test("no bit can be changed, and a forged one takes no place in the window", () => {
    const { sealer, opener } = pair();
    const content = randomBytes(64);
    const record = sealer.seal(content, 1);
    for (let bit = 0; bit < record.length * 8; bit += 3) {
      const changed = Buffer.from(record);
      changed[bit >>> 3]! ^= 1 << (bit & 7);
      expect(["forged", "replayed"]).toContain(opener.open(changed, 1));
    }
    expect(opener.open(record, 1)).toEqual({ counter: 0, content });
  });

  test("what is none has no index", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        const index = indexOf(Buffer.from(bytes));
        const isRecord = bytes.length >= OVERHEAD_BYTES && bytes[0] === 4;
        expect(index !== undefined).toBe(isRecord);
      }),
    );
  });

  test("after the key's time nothing is sealed, and nothing opened", () => {
    const { sealer, opener } = pair();
    const record = sealer.seal(Buffer.alloc(10), REJECT_AFTER_MS - 1);
    expect(() => sealer.seal(Buffer.alloc(10), REJECT_AFTER_MS)).toThrow("its time is over");
    expect(opener.open(record, REJECT_AFTER_MS)).toBe("late_key");
    expect(opener.open(record, REJECT_AFTER_MS - 1)).toMatchObject({ counter: 0 });
  });
});
