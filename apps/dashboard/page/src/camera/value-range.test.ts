import { expect, test } from "vitest";

import { valueRange } from "./value-range.ts";

const PLAIN = { fromZero: false, unit: "1" };

test("values get some air around them", () => {
  expect(valueRange(10, 20, PLAIN)).toEqual([9.2, 20.8]);
  expect(valueRange(50, 50, PLAIN)).toEqual([45, 55]);
  expect(valueRange(null, null, PLAIN)).toEqual([0, 1]);
});

test("an axis does not reach where no value is", () => {
  expect(valueRange(0, 0, { fromZero: false, unit: "dB" })).toEqual([0, 1]);
  expect(valueRange(0.1, 10, PLAIN)[0]).toBe(0);
  expect(valueRange(-1, 1, PLAIN)[0]).toBeLessThan(-1);
});

test("percent end at a hundred", () => {
  const percent = { fromZero: false, unit: "%" };
  expect(valueRange(100, 100, percent)).toEqual([90, 100]);
  expect(valueRange(0, 100, percent)).toEqual([0, 100]);
  expect(valueRange(90, 120, percent)[1]).toBeGreaterThan(120);
});
