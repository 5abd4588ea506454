import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { commonFactor, findScale, wholeOf } from "./scale.ts";

const divided = (by: number) => [1, 7, 12, 100, 333, 9_999].map((whole) => whole / by);

describe("a scale", () => {
  test.each([1, 10, 100, 1e9, 418, 2_048, 3, 16.7 * 1_000])("of 1/%d is found", (divisor) => {
    const scale = findScale(divided(divisor))!;
    for (const value of divided(divisor)) expect(wholeOf(value, scale)).not.toBeNaN();
    expect(scale.divisor).toBeLessThanOrEqual(divisor);
  });

  test("is not found in numbers that have none", () => {
    expect(findScale([Math.PI, Math.E, Math.SQRT2, Math.LN2])).toBeUndefined();
    expect(findScale([])).toBeUndefined();
    expect(findScale([Number.NaN, -0, Number.POSITIVE_INFINITY])).toBeUndefined();
  });

  test("has the factor that pages of memory have in common", () => {
    const pages = [740_531, 3_070, 304_963, 740_600, 3_001, 304_990];
    expect(findScale(pages.map((page) => page * 16_384))).toEqual({
      multiplier: 16_384,
      divisor: 1,
    });
    expect(commonFactor([500, 480, 520, 500])).toBe(1);
    expect(commonFactor([0, 0, 0])).toBe(1);
    expect(commonFactor([1_234_567])).toBe(1);
  });

  test("gives back the very double, or says that it is no whole number", () => {
    const scale = fc.record({
      multiplier: fc.integer({ min: 1, max: 1_000_000 }),
      divisor: fc.integer({ min: 1, max: 1_000_000 }),
    });
    fc.assert(
      fc.property(fc.double(), scale, (value, { multiplier, divisor }) => {
        const whole = wholeOf(value, { multiplier, divisor });
        if (!Number.isNaN(whole)) expect((whole * multiplier) / divisor).toBe(value);
      }),
    );
  });

  test("is found or not for any numbers, in bounded time", () => {
    fc.assert(
      fc.property(fc.array(fc.double(), { maxLength: 40 }), (values) => {
        const scale = findScale(values);
        if (scale) expect(scale.multiplier >= 1 && scale.divisor >= 1).toBe(true);
      }),
    );
  });
});
