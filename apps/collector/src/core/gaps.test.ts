import { describe, expect, test } from "vitest";

import { holesIn, toldGaps } from "./gaps.ts";

const NANO = 1_000_000_000n;
const seconds = (...all: number[]) => all.map((second) => BigInt(second) * NANO);
const range = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, at) => BigInt(from + at) * NANO);
const attributes = { cause: "mesh", reason: "gateway_unreachable" };
const told = toldGaps(
  "cam",
  [{ attributes, points: [{ timeUnixNano: 20n * NANO, value: 4.5 }] }],
  [{ attributes, points: [{ timeUnixNano: 20n * NANO, value: 46 }] }],
);

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
    const points = [Number.NaN, Number.POSITIVE_INFINITY, -1, 1e300].map((value) => ({
      timeUnixNano: 1n,
      value,
    }));
    expect(toldGaps("cam", [{ attributes, points }], [])).toEqual([]);
  });

  test("that nobody told are holes in what came at a pace, but not where a gap was told", () => {
    const times = [...range(0, 10), ...range(15, 20), ...range(25, 30)];
    const holes = holesIn("cam", times, told, 31n * NANO);
    expect(holes.map((gap) => [gap.fromUnixNano, gap.toUnixNano])).toEqual([seconds(9, 15)]);
    expect(holes[0]).toMatchObject({ cause: "", reason: "nothing came", reports: 0 });
  });

  test("reach to the end when nothing comes any more", () => {
    const holes = holesIn("cam", range(0, 10), [], 60n * NANO);
    expect(holes).toMatchObject([
      { fromUnixNano: 9n * NANO, toUnixNano: 60n * NANO, reason: "nothing has come since" },
    ]);
  });

  test("are not made up where there is no pace, or only a little jitter", () => {
    expect(holesIn("cam", seconds(0, 100, 200), [], 900n * NANO)).toEqual([]);
    const jitter = range(0, 60).map((time, at) => time + BigInt(at % 7) * 150_000_000n);
    expect(holesIn("cam", jitter, [], 61n * NANO)).toEqual([]);
  });
});
