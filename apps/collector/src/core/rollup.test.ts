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
        const steps = { fromMinute: 1, toMinute: 8, stepMinutes: step, stepsMax: 8 };
        const [rollup, other] = [new Rollup(steps), new Rollup()];
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
        expect(rollup.inOrder()).toEqual(expected);
        expect([rollup.isKnown, rollup.isFull]).toEqual([first.length + second.length > 0, false]);
      },
    ),
  );
});

test("does not count what is no number", () => {
  const rollup = new Rollup();
  rollup.add(minuteOf(60_000_000_000n), Number.NaN);
  expect(rollup.inOrder()).toEqual([]);
  expect(rollup.isKnown).toBe(true);
});

test("has no more steps than it may, and says that there were more", () => {
  const rollup = new Rollup({ fromMinute: 0, toMinute: 1_000, stepMinutes: 10, stepsMax: 3 });
  for (let minute = 0; minute < 30; minute++) rollup.add(minute, 1);
  expect(rollup.isFull).toBe(false);
  rollup.add(2_000, 1);
  expect(rollup.isFull).toBe(false);
  rollup.merge(30, { count: 1, sum: 1, least: 1, greatest: 1 });
  rollup.add(29, 1);
  expect(rollup.isFull).toBe(true);
  expect(rollup.inOrder().map(([minute, { count }]) => [minute, count])).toEqual([
    [0, 10],
    [10, 10],
    [20, 11],
  ]);
});
