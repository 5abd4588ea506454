import fc from "fast-check";
import { expect, test } from "vitest";

import { Rollup, minuteOf } from "./rollup.ts";

test("says how many, how much, the least and the greatest of each step, whatever the order", () => {
  const row = fc.tuple(fc.nat({ max: 9 }), fc.integer({ min: -50, max: 50 }));
  fc.assert(
    fc.property(
      fc.array(row),
      fc.array(row),
      fc.integer({ min: 1, max: 4 }),
      (first, second, step) => {
        const [rollup, other] = [new Rollup(), new Rollup()];
        for (const [minute, value] of first) rollup.add(minute, value);
        for (const [minute, value] of second) other.add(minute, value);
        for (const [minute, cell] of other.cells) rollup.merge(minute, cell);
        const all = [...first, ...second].filter(([minute]) => minute >= 1 && minute < 8);
        const starts = [...new Set(all.map(([minute]) => minute - (minute % step)))];
        const expected = starts
          .toSorted((a, b) => a - b)
          .map((start) => {
            const values = all
              .filter(([minute]) => minute - (minute % step) === start)
              .map(([, value]) => value);
            return [
              start,
              {
                count: values.length,
                sum: values.reduce((sum, value) => sum + value, 0),
                least: Math.min(...values),
                greatest: Math.max(...values),
              },
            ];
          });
        expect(rollup.steps(1, 8, step)).toEqual(expected);
      },
    ),
  );
});

test("does not count what is no number", () => {
  const rollup = new Rollup();
  rollup.add(minuteOf(60_000_000_000n), Number.NaN);
  expect(rollup.steps(0, 9, 1)).toEqual([]);
});
