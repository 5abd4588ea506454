import { create } from "@bufbuild/protobuf";
import { SeriesRangeSchema } from "@glassline/proto/query";
import { expect, test } from "vitest";

import { chartDataOf, lonePoints } from "./chart-data.ts";

function rangeOf(component: string, points: readonly (readonly [timeS: number, value: number])[]) {
  return create(SeriesRangeSchema, {
    series: { metric: "m", attributes: component ? { component } : {} },
    timeUnixNano: points.map(([timeS]) => BigInt(timeS * 1_000) * 1_000_000n),
    value: points.map(([, value]) => value),
  });
}

const WINDOW = { fromMs: 0, toMs: 60_000 };

test("series share one time axis, in order of name", () => {
  const series = [
    rangeOf("y", [
      [1, 10],
      [2, 20],
    ]),
    rangeOf("x", [
      [1, 1],
      [3, 3],
    ]),
  ];
  const { names, columns } = chartDataOf({ ...WINDOW, series }, false);
  expect(names).toEqual(["x", "y"]);
  expect(columns).toEqual([
    [1, 2, 3],
    [1, undefined, 3],
    [10, 20, undefined],
  ]);
});

test("a counter becomes its rate, and beginning anew gives none", () => {
  const series = [
    rangeOf("", [
      [0, 100],
      [1, 130],
      [2, 160],
      [3, 5],
      [4, 35],
    ]),
  ];
  const { columns } = chartDataOf({ ...WINDOW, series }, true);
  expect(columns).toEqual([
    [1, 2, 4],
    [30, 30, 30],
  ]);
});

test("silence is a gap and not a line", () => {
  const { columns } = chartDataOf(
    {
      ...WINDOW,
      series: [
        rangeOf("", [
          [1, 1],
          [2, 2],
          [40, 3],
        ]),
      ],
    },
    false,
  );
  expect(columns).toEqual([
    [1, 2, 21, 40],
    [1, 2, null, 3],
  ]);
});

test("no series is an empty chart", () => {
  expect(chartDataOf({ ...WINDOW, series: [] }, false)).toEqual({ names: [], columns: [[]] });
});

test("a series without a point in the window is an empty line", () => {
  const { names, columns } = chartDataOf(
    { ...WINDOW, series: [rangeOf("x", []), rangeOf("y", [])] },
    false,
  );
  expect(names).toEqual(["x", "y"]);
  expect(columns).toEqual([[], [], []]);
});

test("a point that no line joins to another is told, to be drawn as a dot", () => {
  const lone = (points: readonly (readonly [number, number])[]) => {
    const { columns } = chartDataOf({ ...WINDOW, series: [rangeOf("x", points), other] }, false);
    return lonePoints(columns[1]!).map((index) => columns[0][index]);
  };
  const other = rangeOf("y", [
    [1, 10],
    [2, 20],
    [3, 30],
  ]);
  expect(lone([[2, 5]])).toEqual([2]);
  expect(
    lone([
      [1, 5],
      [3, 5],
      [40, 5],
    ]),
  ).toEqual([40]);
  expect(lone([])).toEqual([]);
});
