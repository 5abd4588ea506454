import { describe, expect, test } from "vitest";

import type { Gap } from "./gaps.ts";
import { gapsIn, holesIn, toldGaps } from "./gaps.ts";
import { pointsOf } from "./points.testing.ts";

const NANO = 1_000_000_000n;
const nano = (second: number) => BigInt(Math.round(second * 1e9));
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => from + at);
const timesOf = (...seconds: number[]) => pointsOf(seconds.map((second) => [nano(second), 0]));
const attributes = { cause: "mesh", reason: "gateway_unreachable" };
const toldAt = (second: number, duration: number) =>
  toldGaps("cam", [{ attributes, points: pointsOf([[nano(second), duration]]) }], [])[0]!;
const told = toldGaps(
  "cam",
  [{ attributes, points: pointsOf([[20n * NANO, 4.5]]) }],
  [{ attributes, points: pointsOf([[20n * NANO, 46]]) }],
);
/** From the begin of time to now. */
const all = (nowS: number) => ({ from: 0n, to: 2n ** 64n - 1n, now: nano(nowS) });
const window = (from: number, to: number, now: number) => ({
  from: nano(from),
  to: nano(to),
  now: nano(now),
});
const spans = (gaps: readonly Gap[]) =>
  gaps.map(({ fromUnixNano, toUnixNano }) => [
    Number(fromUnixNano) / 1e9,
    Number(toUnixNano) / 1e9,
  ]);

describe("gaps", () => {
  test("that were told have their begin, end, why, and how many reports are missing", () => {
    expect(told).toEqual([
      {
        cameraId: "cam",
        fromUnixNano: 20n * NANO,
        toUnixNano: 24_500_000_000n,
        cause: "mesh",
        reason: "gateway_unreachable",
        reports: 46,
      },
    ]);
  });

  test("that are no numbers are none", () => {
    const points = pointsOf(
      [Number.NaN, Number.POSITIVE_INFINITY, -1, 1e300].map((value) => [1n, value]),
    );
    expect(toldGaps("cam", [{ attributes, points }], [])).toEqual([]);
  });

  test("belong to a window of which they take a part, also when they began before it or last longer", () => {
    const gaps = [toldAt(10, 5), toldAt(20, 0), toldAt(30, 100)];
    const shown = (from: number, to: number) =>
      gapsIn(gaps, { from: nano(from), to: nano(to) }).map((gap) => gaps.indexOf(gap));
    expect(shown(0, 200)).toEqual([0, 1, 2]);
    expect(shown(12, 14)).toEqual([0]);
    expect(shown(15, 16)).toEqual([0]);
    expect(shown(16, 20)).toEqual([]);
    expect(shown(20, 21)).toEqual([1]);
    expect(shown(60, 70)).toEqual([2]);
    expect(shown(131, 200)).toEqual([]);
  });

  test("that nobody told are holes in what came at a pace, but not where a gap was told", () => {
    const times = timesOf(...range(0, 10), ...range(15, 20), ...range(25, 30));
    const holes = holesIn("cam", times, told, all(31));
    expect(spans(holes)).toEqual([[9, 15]]);
    expect(holes[0]).toMatchObject({ cause: "", reason: "nothing came", reports: 0 });
  });

  test("cover of a hole what they tell: the rest stays a hole, unless it is as short as the pace", () => {
    const times = timesOf(...range(0, 10), ...range(100, 110));
    const holes = (...gaps: Gap[]) => spans(holesIn("cam", times, gaps, all(111)));
    expect(holes(toldAt(10, 29))).toEqual([[39, 100]]);
    expect(holes(toldAt(60, 39))).toEqual([[9, 60]]);
    expect(holes(toldAt(10, 89))).toEqual([]);
    expect(holes(toldAt(50, 10), toldAt(20, 10), toldAt(25, 1), toldAt(0, 5))).toEqual([
      [9, 20],
      [30, 50],
      [60, 100],
    ]);
    expect(holes(toldAt(0, 1_000))).toEqual([]);
    expect(holes(toldAt(9, 0), toldAt(100, 50))).toEqual([[9, 100]]);
  });

  test("reach to the end when nothing comes any more", () => {
    const holes = holesIn("cam", timesOf(...range(0, 10)), [], all(60));
    expect(spans(holes)).toEqual([[9, 60]]);
    expect(holes).toMatchObject([{ reason: "nothing has come since" }]);
    const partly = holesIn("cam", timesOf(...range(0, 10)), [toldAt(30, 10)], all(60));
    expect(partly.map(({ reason }) => reason)).toEqual(["nothing came", "nothing has come since"]);
  });

  test("are seen by a window that lies in an outage, begins in it or ends in it", () => {
    const before = range(0, 10);
    expect(spans(holesIn("cam", timesOf(...before), [], window(20, 30, 100)))).toEqual([[9, 30]]);
    expect(holesIn("cam", timesOf(...before), [], window(20, 30, 100))).toMatchObject([
      { reason: "nothing came" },
    ]);
    const after = timesOf(...before, ...range(40, 50));
    expect(spans(holesIn("cam", after, [], window(20, 50, 100)))).toEqual([[9, 40]]);
    expect(spans(holesIn("cam", after, [], window(5, 50, 100)))).toEqual([[9, 40]]);
    expect(spans(holesIn("cam", after, [], window(40, 50, 100)))).toEqual([]);
    expect(spans(holesIn("cam", timesOf(...before), [], window(5, 13, 100)))).toEqual([[9, 13]]);
  });

  test("are not made up where there is no pace, or only a little jitter", () => {
    expect(holesIn("cam", timesOf(0, 100, 200), [], all(900))).toEqual([]);
    const jitter = timesOf(...range(0, 60).map((second) => second + (second % 7) * 0.15));
    expect(holesIn("cam", jitter, [], all(61))).toEqual([]);
  });

  test("are found in many points as in few", () => {
    const many = Array.from({ length: 50_000 }, (_, at) => at * 0.1 + (at < 40_000 ? 0 : 60));
    expect(spans(holesIn("cam", timesOf(...many), [], all(5_060)))).toEqual([[3_999.9, 4_060]]);
  });
});
