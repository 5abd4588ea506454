import { expect, test } from "vitest";

import { consecutive } from "./consecutive.ts";
import { shared } from "./shared-numbers.ts";

test("equal numbers are there once; others, and those of another kind, are by themselves", () => {
  const first = Uint32Array.of(3, 1, 2);
  expect(shared(first)).toBe(first);
  expect(shared(Uint32Array.of(3, 1, 2))).toBe(first);
  const others = [Uint32Array.of(3, 1), Uint32Array.of(3, 1, 4), Uint16Array.of(3, 1, 2)];
  for (const other of others) expect(shared(other)).toBe(other);
});

test("numbers that follow one another share memory, wherever they begin", () => {
  for (const [from, count] of [
    [0, 3],
    [5, 4],
    [4_000, 2_000],
    [0, 0],
  ] as const) {
    const numbers = Uint32Array.from({ length: count }, (_, at) => from + at);
    expect(consecutive(numbers)).toEqual(numbers);
  }
  expect(consecutive(Uint32Array.of(1, 2))?.buffer).toBe(consecutive(Uint32Array.of(7))?.buffer);
  expect(consecutive(Uint32Array.of(1, 3))).toBeUndefined();
});
