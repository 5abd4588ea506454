import { readFileSync } from "node:fs";

import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { RequestError } from "./errors.ts";
import { compress, decompress } from "./snappy.ts";

const RECORDED = new URL("../testdata/prometheus-2.42-request.snappy", import.meta.url);
const MAX_BYTES = 1_000_000;
const bytes = (...values: number[]) => Uint8Array.from(values);
const text = (value: string) => new Uint8Array(Buffer.from(value));

describe("a block of Snappy", () => {
  test.each([
    ["nothing", bytes(0), ""],
    ["a literal", bytes(3, 2 << 2, 97, 98, 99), "abc"],
    ["a literal whose length follows in a byte", bytes(3, 60 << 2, 2, 97, 98, 99), "abc"],
    ["a literal whose length follows in two", bytes(3, 61 << 2, 2, 0, 97, 98, 99), "abc"],
    ["a copy with an offset of 11 bits", bytes(6, 1 << 2, 97, 98, 1, 2), "ababab"],
    ["a copy with an offset of 2 bytes", bytes(4, 0, 97, (2 << 2) | 2, 1, 0), "aaaa"],
    ["a copy with an offset of 4 bytes", bytes(4, 0, 97, (2 << 2) | 3, 1, 0, 0, 0), "aaaa"],
  ])("is read: %s", (_name, block, expected) => {
    expect(Buffer.from(decompress(block, 10)).toString()).toBe(expected);
  });

  test("that Prometheus wrote is read, and is about as small as ours", () => {
    const recorded = new Uint8Array(readFileSync(RECORDED));
    const unpacked = decompress(recorded, MAX_BYTES);
    expect(Buffer.from(unpacked).includes("__name__")).toBe(true);
    const own = compress(unpacked);
    expect(decompress(own, MAX_BYTES)).toEqual(unpacked);
    expect(own.length).toBeLessThan(recorded.length * 1.1);
  });

  test("that we write is read again, whatever is in it", () => {
    const phrase = fc.constantFrom("a", "prometheus_", "le", "\u0000\u0000\u0000\u0000");
    const repetitive = fc.array(phrase, { maxLength: 400 }).map((all) => text(all.join("")));
    const run = fc.nat({ max: 200_000 }).map((length) => new Uint8Array(length));
    const noise = fc.uint8Array({ maxLength: 5_000, size: "max" });
    fc.assert(
      fc.property(fc.oneof(repetitive, noise, run), (input) => {
        expect(Buffer.compare(decompress(compress(input), MAX_BYTES), input)).toBe(0);
      }),
    );
  });

  test.each([
    ["too large", bytes(0xff, 0xff, 0xff, 0xff, 0x0f), "too-large", /got a block of 4294967295/],
    ["a lie", bytes(0xc0, 0x84, 0x3d, 0), "malformed", /got 1 bytes, expected enough for 1000000/],
    ["without an end of its length", bytes(0xff, 0xff), "malformed", /expected its length/],
    ["too long", bytes(255, 255, 255, 255, 255, 1), "malformed", /more than 32 bits/],
    ["shorter than it says", bytes(9, 2 << 2, 97, 98, 99), "malformed", /got 3 bytes, expected 9/],
    ["longer than it says", bytes(1, 2 << 2, 97, 98, 99), "malformed", /a literal of 3 bytes/],
    ["a literal beyond the end", bytes(9, 9 << 2, 97), "malformed", /a literal of 10 bytes/],
    ["a copy from before the start", bytes(5, 0, 97, 1, 2), "malformed", /from 2 back/],
    ["a copy from nowhere", bytes(5, 0, 97, 1, 0), "malformed", /from 0 back/],
    ["cut within an element", bytes(5, 0, 97, 2), "malformed", /the end of the block/],
  ])("is refused: %s", (_name, block, kind, message) => {
    const read = () => decompress(block, MAX_BYTES);
    expect(read).toThrow(message);
    expect(read).toThrow(expect.objectContaining({ kind }));
  });

  test("of hostile bytes is refused or read, and never larger than allowed", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat({ max: 50_000 }), (block, maxBytes) => {
        try {
          expect(decompress(block, maxBytes).length).toBeLessThanOrEqual(maxBytes);
        } catch (error) {
          if (!(error instanceof RequestError)) throw error;
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
