import { randomBytes } from "node:crypto";

import { seededRandom } from "@glassline/service/random";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { binaryEntropy } from "../physics/entropy.ts";
import { TAG_BYTES, hashed, tagged } from "./authentication.ts";
import { Parities, cascade } from "./cascade.ts";
import { amplified, seedBits } from "./toeplitz.ts";

function sifted(length: number, qber: number, seed: number) {
  const random = seededRandom(seed);
  const right = Uint8Array.from({ length }, () => (random() < 0.5 ? 1 : 0));
  const wrong = right.map((bit) => bit ^ (random() < qber ? 1 : 0));
  const errors = right.reduce((sum, bit, at) => sum + (bit ^ wrong[at]!), 0);
  return { right, wrong, errors };
}

/** Both ends in one. @param expected QBER that is assumed. */
function correct(right: Uint8Array, wrong: Uint8Array, expected: number, seed: number) {
  const other = new Parities(right, seed);
  const work = cascade(wrong, expected, seed);
  let exchanges = 0;
  let next = work.next();
  while (next.done !== true) {
    exchanges++;
    next = work.next(other.answer(next.value));
  }
  return { ...next.value, exchanges };
}

describe("Cascade", () => {
  test.each([0, 0.005, 0.01, 0.03, 0.05, 0.08, 0.11])(
    "at %f wrong both ends have the same, and little more is told than must be",
    (qber) => {
      const { right, wrong, errors } = sifted(20_000, qber, 17);
      const corrected = correct(right, wrong, qber, 5);
      expect(corrected.bits).toEqual(right);
      expect(corrected.errors).toBe(errors);
      const least = 20_000 * binaryEntropy(errors / 20_000);
      expect(corrected.disclosed).toBeLessThan(1.3 * least + 40);
      expect(corrected.exchanges).toBeLessThan(400);
    },
  );

  test("of any length, and where half or twice as many are wrong as was thought", () => {
    const random = seededRandom(11);
    const unequal = Array.from({ length: 300 }, (_, seed) => {
      const [length, qber] = [1 + Math.floor(random() * 3_000), 0.005 + random() * 0.1];
      const { right, wrong } = sifted(length, qber, seed);
      const { bits } = correct(right, wrong, qber * (0.5 + 1.5 * random()), seed);
      return right.reduce((sum, bit, at) => sum + (bit ^ bits[at]!), 0);
    }).filter((left) => left > 0);
    // What is left hides in pairs from all parities that were told; the hash of all finds it.
    expect(unequal.length).toBeLessThanOrEqual(6);
    for (const left of unequal) expect(left % 2).toBe(0);
  });

  test("one that expects no errors and has them ends, too", () => {
    const { right, wrong, errors } = sifted(2_000, 0.1, 3);
    const corrected = correct(right, wrong, 0, 1);
    expect(corrected.errors).toBeLessThanOrEqual(errors);
    expect(corrected.disclosed).toBeGreaterThan(0);
  });

  test("one whose answers are not about one block ends, too", () => {
    const { right, wrong } = sifted(2_000, 0.03, 3);
    const random = seededRandom(4);
    const work = cascade(wrong, 0.03, 1);
    let next = work.next();
    while (next.done !== true)
      next = work.next(
        Uint8Array.from({ length: next.value.length / 3 }, () => (random() < 0.5 ? 0 : 1)),
      );
    expect(next.value.bits).not.toEqual(right);
    expect(next.value.disclosed).toBeLessThan(3 * right.length);
  });

  test("questions that are none are refused", () => {
    const parities = new Parities(new Uint8Array(100), 1);
    for (const questions of [
      [0, 0],
      [0, 5, 5],
      [0, 0, 101],
      [8, 0, 10],
    ])
      expect(() => parities.answer(Uint32Array.from(questions))).toThrow(/^parities: got/);
  });
});

describe("privacy amplification", () => {
  const bitOf = (bytes: Uint8Array, at: number) => (bytes[at >>> 3]! >>> (7 - (at & 7))) & 1;

  test("is a Toeplitz matrix times the bits", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 1 }), { minLength: 1, maxLength: 150 }),
        fc.integer({ min: 0, max: 150 }),
        (list, outputBits) => {
          const bits = Uint8Array.from(list);
          const seed = randomBytes(Math.ceil(seedBits(bits.length, outputBits) / 8));
          const naive = Array.from({ length: outputBits }, (_, row) =>
            bits.reduce(
              (sum, bit, column) => sum ^ (bit & bitOf(seed, row - column + bits.length - 1)),
              0,
            ),
          );
          const bytes = amplified(bits, outputBits, seed);
          expect(bytes).toHaveLength(Math.ceil(outputBits / 8));
          expect(naive).toEqual(naive.map((_, at) => bitOf(bytes, at)));
        },
      ),
    );
  });

  test("one bit more or less changes half of them", () => {
    const bits = sifted(4_000, 0, 3).right;
    const seed = randomBytes(seedBits(4_000, 2_000));
    const [before, after] = [bits, bits.with(1_234, bits[1_234]! ^ 1)].map((one) =>
      amplified(one, 2_000, seed),
    );
    const changed = Array.from(
      { length: 2_000 },
      (_, at) => bitOf(before!, at) ^ bitOf(after!, at),
    );
    const share = changed.reduce((sum, bit) => sum + bit, 0) / 2_000;
    expect(share).toBeGreaterThan(0.4);
    expect(share).toBeLessThan(0.6);
  });

  test("a seed that is too short is refused", () => {
    expect(() => amplified(new Uint8Array(100), 50, new Uint8Array(18))).toThrow(
      "seed: got 144 bits, expected 149",
    );
  });
});

describe("authentication", () => {
  test("each bit of a message, of its length, of the key and of the pad counts", () => {
    const [key, pad] = [randomBytes(TAG_BYTES), randomBytes(TAG_BYTES)];
    key[0]! &= 0x7f;
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 80 }), fc.nat(), (message, place) => {
        const flipped = (bytes: Uint8Array, at: number) =>
          bytes.with(
            (at >>> 3) % bytes.length,
            bytes[(at >>> 3) % bytes.length]! ^ (1 << (at & 7)),
          );
        const tag = tagged(message, key, pad);
        expect(tag).toHaveLength(TAG_BYTES);
        expect(tagged(flipped(message, place), key, pad)).not.toEqual(tag);
        expect(tagged(Uint8Array.from([...message, 0]), key, pad)).not.toEqual(tag);
        expect(tagged(message, flipped(key, place), pad)).not.toEqual(tag);
        expect(tagged(message, key, flipped(pad, place))).not.toEqual(tag);
      }),
    );
  });

  test("is the polynomial, by hand", () => {
    const key = new Uint8Array(TAG_BYTES);
    key[15] = 2;
    // One block: (256 + 7) * 2.
    expect(BigInt(`0x${Buffer.from(hashed(Uint8Array.of(7), key)).toString("hex")}`)).toBe(526n);
    expect(hashed(new Uint8Array(0), key)).toEqual(new Uint8Array(TAG_BYTES));
  });
});
