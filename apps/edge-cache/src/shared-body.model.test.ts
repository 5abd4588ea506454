/** Any readers of any body: fast and slow ones, such as leave, and such as stop reading. */
import { randomBytes } from "node:crypto";
import { setImmediate as turn } from "node:timers/promises";

import fc from "fast-check";
import { expect, test } from "vitest";

import { InFlight } from "./core/in-flight.ts";
import { SharedBody, TooSlowError } from "./shared-body.ts";

const MIB = 1_048_576;
const CONTENT = randomBytes(8 * MIB);

const reader = fc.record({
  /** Turns of the event loop before it begins, and behind each chunk. */
  joins: fc.integer({ min: 0, max: 12 }),
  pace: fc.integer({ min: 0, max: 4 }),
  /** After so many chunks it leaves, or stops reading. */
  chunks: fc.option(fc.integer({ min: 1, max: 40 }), { nil: undefined }),
  does: fc.constantFrom("leave", "stall"),
});
type Reader = typeof reader extends fc.Arbitrary<infer T> ? T : never;

interface Read {
  bytes: number;
  end: "whole" | "left" | "cut";
}

async function turns(count: number): Promise<void> {
  for (let at = 0; at < count; at++) await turn();
}

async function read(body: SharedBody, { joins, pace, chunks, does }: Reader): Promise<Read> {
  await turns(joins);
  // Who comes behind the beginning of one that is not kept asks the origin itself.
  if (!body.isKept) return { bytes: 0, end: "left" };
  const cut = Promise.withResolvers<void>();
  let bytes = 0;
  let count = 0;
  try {
    for await (const chunk of body.read(() => cut.resolve())) {
      expect(chunk.equals(CONTENT.subarray(bytes, bytes + chunk.length))).toBe(true);
      bytes += chunk.length;
      if (++count === chunks && does === "leave") return { bytes, end: "left" };
      if (count === chunks) await cut.promise;
      await turns(pace);
    }
    return { bytes, end: "whole" };
  } catch (error) {
    expect(error).toBeInstanceOf(TooSlowError);
    return { bytes, end: "cut" };
  }
}

async function write(body: SharedBody, length: number, sizes: readonly number[]): Promise<void> {
  let at = 0;
  for (let number = 0; at < length; number++) {
    const size = Math.min(sizes[number % sizes.length]!, length - at);
    await body.write(CONTENT.subarray(at, at + size));
    at += size;
    await turn();
  }
  body.end();
}

test("each reader gets the bytes in order, one gets all, and no memory stays behind", async () => {
  const sizes = fc.array(fc.integer({ min: 1, max: MIB / 2 }), { minLength: 1, maxLength: 8 });
  const length = fc.integer({ min: 1, max: CONTENT.length });
  const readers = fc.array(reader, { maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(
      length,
      sizes,
      readers,
      fc.boolean(),
      async (length, sizes, others, isKept) => {
        const inFlight = new InFlight(16 * MIB);
        const small = sizes.map((size) => Math.max(size, length / 64));
        const body = new SharedBody({ inFlight, keptMaxBytes: isKept ? 16 * MIB : MIB });
        // One is there from the beginning, and reads.
        const good: Reader = { joins: 0, pace: 0, chunks: undefined, does: "leave" };
        const all = [good, ...others].map((each) => ({ each, reading: read(body, each) }));
        await write(body, length, small.map(Math.ceil));
        expect((await all[0]!.reading).end).toBe("whole");
        for (const { each, reading } of all) {
          // Who has stopped reading one that is kept stops for good.
          if (each.chunks !== undefined && each.does === "stall") continue;
          const { bytes, end } = await reading;
          if (end === "whole") expect(bytes).toBe(length);
          if (isKept) expect(end).not.toBe("cut");
        }
        expect(inFlight.bytes).toBe(0);
        expect(inFlight.reserve(16 * MIB, 0)).toBe(true);
        expect(body.isWhole).toBe(length <= (isKept ? 16 * MIB : MIB));
      },
    ),
    { numRuns: 60 },
  );
});
