import { hash, randomBytes } from "node:crypto";

import { Pad, PadReader } from "@glassline/quantum/keys/pad";
import { describe, expect, test } from "vitest";

import { ContentsError } from "./contents.ts";
import { BULK, CONTROL, URGENT } from "./outbox.ts";
import { Pair, message } from "./session.testing.ts";

class Ends {
  readonly a = { sending: new Pad(), receiving: new PadReader() };
  readonly b = { sending: new Pad(), receiving: new PadReader() };

  /** More of the pad from a to b. */
  add(bytes: number): void {
    const key = randomBytes(bytes);
    this.a.sending.add(Uint8Array.from(key));
    this.b.receiving.add(Uint8Array.from(key));
  }
}

describe("a sealed session with one-time pads", () => {
  test.each([0, 0.05, 0.3])(
    "brings all messages, each once, when %d of the records are lost, and uses no byte of a pad twice",
    (lost) => {
      const pads = new Ends();
      const sent = Array.from({ length: 300 }, (_, at) => message(at, 1 + ((at * 37) % 2_500)));
      const bytes = sent.reduce((sum, { length }) => sum + length, 0);
      pads.add(bytes + 100);
      const pair = new Pair({ lost, seed: 3 }, [pads.a, pads.b]);
      for (const one of sent) expect(pair.a.put(BULK, "flow", one)).toBe(true);
      pair.run(lost > 0.1 ? 400_000 : 20_000);
      const sorted = (all: Buffer[]) => all.map((one) => hash("md5", one)).toSorted();
      expect(sorted(pair.heard.b)).toEqual(sorted(sent));
      expect([pads.a.sending.left, pads.b.receiving.left]).toEqual([100, 100]);
    },
  );

  test("hides messages also from who has the keys of the records", () => {
    const pads = new Ends();
    pads.add(1_000);
    const pair = new Pair({}, [pads.a, { sending: new Pad(), receiving: sameBytes }]);
    pair.a.put(BULK, "flow", message(7));
    pair.a.put(CONTROL, "", message(8));
    pair.run(50);
    expect(pair.heard.b.filter((bytes) => bytes.equals(message(8)))).toHaveLength(1);
    expect(pair.heard.b).toHaveLength(2);
    expect(pair.heard.b.map(String)).not.toContain(String(message(7)));
  });

  test("waits where there is no pad, but for what routes hang on; urgent messages have the first of a new one", () => {
    const pads = new Ends();
    pads.add(400);
    const pair = new Pair({}, [pads.a, pads.b]);
    for (let at = 0; at < 4; at++) pair.a.put(BULK, "flow", message(at));
    pair.a.put(CONTROL, "", message(9));
    pair.run(500);
    expect(pair.heard.b).toEqual([message(9), message(0), message(1)]);
    expect(pair.a.lacksPad(BULK)).toBe(true);
    pair.a.put(URGENT, "alarm", message(5));
    pads.add(400);
    pair.run(500);
    expect(pair.heard.b.slice(3)).toEqual([message(5), message(2)]);
  });

  test("gives back what it has no pad for, and not what was begun", () => {
    const pads = new Ends();
    pads.add(300);
    const pair = new Pair({}, [pads.a, pads.b]);
    for (let at = 0; at < 4; at++) pair.a.put(BULK, `flow ${at % 2}`, message(at));
    pair.run(500);
    expect(pair.a.takeBack(BULK).map(String)).toEqual([message(2), message(3)].map(String));
    pads.add(100);
    pair.run(500);
    expect(pair.heard.b).toEqual([message(0), message(1)]);
    expect(pair.a.lacksPad(BULK)).toBe(false);
    expect(pair.a.put(BULK, "flow", Buffer.alloc(4 * 1_048_576))).toBe(true);
  });

  test("takes nothing that is under no pad, or under one that it has not", () => {
    const pads = new Ends();
    pads.add(1_000);
    const plain = { sending: undefined as never, receiving: new PadReader() };
    const without = new Pair({}, [plain, pads.b]);
    without.a.put(BULK, "flow", message(1));
    expect(() => without.run(50)).toThrow(
      new ContentsError("one-time pad: got none, expected one that was not used"),
    );
    const shorter = new Pair({}, [pads.a, { sending: new Pad(), receiving: new PadReader() }]);
    shorter.a.put(BULK, "flow", message(1));
    expect(() => shorter.run(50)).toThrow("one-time pad: got 0, expected one that was not used");
    const none = new Pair({}, [pads.a]);
    none.a.put(BULK, "flow", message(1));
    expect(() => none.run(50)).toThrow("one-time pad: got 200, expected none");
  });
});

/** Nothing is added to what comes. */
const sameBytes = new PadReader();
sameBytes.add(new Uint8Array(1_000));
