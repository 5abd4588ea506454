import { randomBytes } from "node:crypto";

import fc from "fast-check";
import { expect, test } from "vitest";

import { Pad, PadReader } from "./pad.ts";

function ends(...lengths: number[]): { pad: Pad; reader: PadReader; keys: Uint8Array[] } {
  const [pad, reader] = [new Pad(), new PadReader()];
  const keys = lengths.map((length) => new Uint8Array(randomBytes(length)));
  for (const key of keys) {
    pad.add(Uint8Array.from(key));
    reader.add(key);
  }
  return { pad, reader, keys };
}

test("messages come out as they went in, in any order, over the edges of keys", () => {
  const messages = fc.array(fc.uint8Array({ maxLength: 90 }), { maxLength: 30 });
  fc.assert(
    fc.property(messages, fc.infiniteStream(fc.nat()), (sent, order) => {
      const bytes = sent.reduce((sum, { length }) => sum + length, 0);
      const { pad, reader } = ends(...Array.from({ length: Math.ceil(bytes / 64) }, () => 64));
      const sealed = sent.map((message) => ({ message, padded: pad.seal(message) }));
      const places = new Map(sealed.map((one) => [one, order.next().value]));
      const shuffled = sealed.toSorted((a, b) => places.get(a)! - places.get(b)!);
      for (const { message, padded } of shuffled) expect(reader.open(padded)).toEqual(message);
      expect([pad.left, pad.used]).toEqual([reader.left, bytes]);
    }),
  );
});

test("is the sum modulo 2 of the message and of bytes that are wiped", () => {
  const pad = new Pad();
  const key = Uint8Array.of(0x0f, 0xf0, 0xaa);
  pad.add(key);
  expect(pad.seal(Uint8Array.of(0xff, 0xff))).toEqual({ at: 0, bytes: Uint8Array.of(0xf0, 0x0f) });
  expect(pad.seal(Uint8Array.of(0xaa))).toEqual({ at: 2, bytes: Uint8Array.of(0) });
  expect(key).toEqual(new Uint8Array(3));
});

test("is not used twice, nor where there is none", () => {
  const { pad, reader, keys } = ends(10, 10);
  const padded = pad.seal(randomBytes(15));
  expect(reader.open(padded)).toHaveLength(15);
  expect(reader.open(padded)).toBeUndefined();
  expect(reader.open({ at: 14, bytes: padded.bytes.subarray(0, 2) })).toBeUndefined();
  expect(reader.open({ at: 16, bytes: padded.bytes.subarray(0, 5) })).toBeUndefined();
  expect(() => pad.seal(randomBytes(6))).toThrow("pad: got 5 bytes, expected 6");
  expect([pad.left, reader.left]).toEqual([5, 5]);
  expect(keys[0]).toEqual(new Uint8Array(10));
});

test("what was added last can be taken back, as if it had never been there", () => {
  const { pad, reader, keys } = ends(10, 6);
  reader.retract(6);
  expect(keys[1]).toEqual(new Uint8Array(6));
  expect(reader.left).toBe(10);
  const again = new Uint8Array(randomBytes(6));
  reader.add(Uint8Array.from(again));
  const other = new Pad();
  other.add(pad.seal(new Uint8Array(10)).bytes);
  other.add(again);
  other.seal(new Uint8Array(10));
  const message = randomBytes(6);
  expect(Buffer.from(reader.open(other.seal(message))!)).toEqual(message);
});

test("nothing is left of a pad that is wiped", () => {
  const { pad, reader, keys } = ends(8);
  pad.wipe();
  reader.wipe();
  expect([pad.left, reader.left, keys[0]]).toEqual([0, 0, new Uint8Array(8)]);
});
