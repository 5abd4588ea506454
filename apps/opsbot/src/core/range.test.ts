import fc from "fast-check";
import { describe, expect, test } from "vitest";

import type { Range } from "./range.ts";
import { alerts, decimal, limitOf, parseRange, rangeText, stateOf } from "./range.ts";

/** As people type thresholds: at most three decimals. */
const typed = fc.integer({ min: -1e9, max: 1e9 }).map((thousandths) => thousandths / 1_000);
const pair = fc.tuple(typed, typed).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const);
const ranges: fc.Arbitrary<Range> = fc
  .tuple(pair, fc.boolean(), fc.boolean(), fc.boolean())
  .map(([[start, end], fromAny, toAny, inside]) => ({
    start: fromAny ? Number.NEGATIVE_INFINITY : start,
    end: toAny ? Number.POSITIVE_INFINITY : end,
    inside,
  }));

describe("a range", () => {
  test("alerts as the guidelines say, in each of its forms", () => {
    fc.assert(
      fc.property(pair, typed, ([a, b], value) => {
        const [from, to] = [decimal(a), decimal(b)];
        const end = Math.abs(b);
        expect(alerts(parseRange(decimal(end)), value)).toBe(value < 0 || value > end);
        expect(alerts(parseRange(`${from}:`), value)).toBe(value < a);
        expect(alerts(parseRange(`~:${to}`), value)).toBe(value > b);
        expect(alerts(parseRange(`${from}:${to}`), value)).toBe(value < a || value > b);
        expect(alerts(parseRange(`@${from}:${to}`), value)).toBe(value >= a && value <= b);
      }),
    );
  });

  test("has its ends within", () => {
    fc.assert(
      fc.property(pair, ([a, b]) => {
        const range = { start: a, end: b, inside: false };
        expect([alerts(range, a), alerts(range, b)]).toEqual([false, false]);
      }),
    );
  });

  test("that was written is read again as it was", () => {
    fc.assert(
      fc.property(ranges, (range) => {
        expect(parseRange(rangeText(range))).toEqual(range);
      }),
    );
  });

  test("is written in its shortest form", () => {
    for (const text of [
      "10",
      "10:",
      "~:10",
      "10:20",
      "@10:20",
      "~:",
      "@~:5",
      "-5:-1",
      "0.5",
      "@0:",
      "0",
    ])
      expect(rangeText(parseRange(text))).toBe(text);
  });

  test("of any other text is refused, and nothing else happens", () => {
    for (const text of [
      "",
      ":",
      "@",
      "~",
      "@:",
      ":10",
      "10:~",
      "1e3",
      "10:20:30",
      "10 20",
      "80%",
      "x",
      "20:10",
      "9".repeat(65),
      "NaN",
      "Infinity",
      "--1",
      "5.",
    ])
      expect(() => parseRange(text), text).toThrow(
        /^expected a range such as 10, 10:, ~:10, 10:20 or @10:20/,
      );
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          const { start, end } = parseRange(text);
          expect(start <= end).toBe(true);
        } catch (error) {
          expect((error as Error).message).toMatch(/^expected a range/);
        }
      }),
    );
  });

  test("of critical goes before that of warning, and none is never a problem", () => {
    const limits = { warning: parseRange("50:"), critical: parseRange("20:") };
    expect([80, 50, 49, 20, 19].map((value) => stateOf(value, limits))).toEqual([
      "ok",
      "ok",
      "warning",
      "warning",
      "critical",
    ]);
    expect(stateOf(-1, {})).toBe("ok");
  });

  test("has one limit where a value is healthy on one side of it", () => {
    expect(["50:", "10", "~:10", "10:20", "~:"].map((text) => limitOf(parseRange(text)))).toEqual([
      50,
      10,
      10,
      undefined,
      undefined,
    ]);
  });
});

test("a number is written without an exponent", () => {
  expect([1e21, 1e-7, -0, 0.1, -2.5e-8].map(decimal)).toEqual([
    "1000000000000000000000",
    "0.0000001",
    "0",
    "0.1",
    "-0.000000025",
  ]);
});
