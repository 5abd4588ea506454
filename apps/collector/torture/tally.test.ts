import { describe, expect, test } from "vitest";

import { CountedPoints } from "./counted-points.ts";
import { NO_FINDINGS, Tally } from "./tally.ts";

const sent = (acknowledged: number, made = acknowledged, repeated: readonly number[] = []) => ({
  acknowledged,
  made,
  mayRepeat: (point: number) => repeated.includes(point),
});

function tallied(points: readonly (number | undefined)[], all: ReturnType<typeof sent>) {
  const tally = new Tally();
  for (const point of points) tally.see(point, all);
  return tally.check(all);
}

describe("a tally", () => {
  test("finds nothing when all that is acknowledged is there once and in order", () => {
    expect(tallied([1, 2, 3], sent(2, 3))).toEqual(NO_FINDINGS);
  });

  test("counts what is lost, twice, late and strange apart", () => {
    expect(tallied([1, 3, 3, 5, 4, undefined, 9], sent(6))).toEqual({
      lost: 2,
      storedTwice: 1,
      outOfOrder: 1,
      wrong: 2,
      resentStoredAgain: 0,
    });
  });

  test("tells what was sent again from what was stored twice", () => {
    const found = tallied([1, 2, 1, 2], sent(2, 2, [1]));
    expect(found).toMatchObject({ storedTwice: 1, resentStoredAgain: 1, outOfOrder: 0 });
  });

  test("counts a lost point once, however often it is asked", () => {
    const tally = new Tally();
    tally.see(200_000, sent(200_000));
    tally.check(sent(2));
    expect(tally.check(sent(3)).lost).toBe(3);
  });
});

test("a counted point is known by its lane, time and value together", () => {
  const points = new CountedPoints(3, 1_000n, 10);
  const { value, timeUnixNano, seriesIndex } = points.bundle(7, 9);
  const known = (lane: number, time = timeUnixNano[1]!, number = value[1]!) =>
    points.pointOf(String(lane), time, number);
  expect(known(seriesIndex[1]!)).toBe(8);
  expect(known(seriesIndex[0]!)).toBeUndefined();
  expect(known(seriesIndex[1]!, timeUnixNano[2]!)).toBeUndefined();
  expect(new CountedPoints(2, 1_000n, 10).pointOf("2", timeUnixNano[1]!, value[1]!)).toBe(
    undefined,
  );
});
