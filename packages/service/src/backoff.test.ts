import { expect, test } from "vitest";

import { backoff } from "./backoff.ts";
import { normal, seededRandom } from "./random.ts";

test("back-off doubles its bound up to the greatest, and starts anew after a success", () => {
  const tries = backoff({ firstMs: 100, maxMs: 1_000, random: () => 1 });
  expect([1, 2, 3, 4, 5, 6].map(() => tries.nextMs())).toEqual([100, 200, 400, 800, 1_000, 1_000]);
  tries.reset();
  expect(tries.nextMs()).toBe(100);
});

test("back-off is spread by its randomness and never zero", () => {
  const tries = backoff({ firstMs: 100, maxMs: 100, random: seededRandom(1) });
  const waits = Array.from({ length: 100 }, () => tries.nextMs());
  expect(Math.min(...waits)).toBeGreaterThanOrEqual(10);
  expect(new Set(waits).size).toBeGreaterThan(90);
});

test("the same seed gives the same numbers, evenly spread", () => {
  const [first, second] = [seededRandom(7), seededRandom(7)];
  const numbers = Array.from({ length: 10_000 }, () => first());
  expect(numbers.slice(0, 50)).toEqual(Array.from({ length: 50 }, () => second()));
  expect(numbers.reduce((sum, value) => sum + value) / numbers.length).toBeCloseTo(0.5, 1);
});

test("normal numbers have mean 0 and deviation 1", () => {
  const random = seededRandom(3);
  const numbers = Array.from({ length: 20_000 }, () => normal(random));
  const mean = numbers.reduce((sum, value) => sum + value) / numbers.length;
  const variance = numbers.reduce((sum, value) => sum + (value - mean) ** 2, 0) / numbers.length;
  expect(mean).toBeCloseTo(0, 1);
  expect(variance).toBeCloseTo(1, 1);
});
