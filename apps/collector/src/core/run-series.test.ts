import type { Series } from "@glassline/otqmn/sample";
import { expect, test } from "vitest";

import { RunSeries, SharedQuantities } from "./run-series.ts";

const seriesOf = (cameraId: string, metric: string, attributes = {}): Series => ({
  cameraId,
  metric,
  unit: "1",
  kind: "gauge",
  attributes,
});

test("series of a run come back as they were given, in whatever order cameras come, and grow", () => {
  const all = ["a", "b", "a", "a", "c"].flatMap((camera) =>
    Array.from({ length: 9 }, (_, at) =>
      seriesOf(camera, `m${at % 4}`, at > 6 ? { axis: "x" } : {}),
    ),
  );
  const run = new RunSeries(new SharedQuantities());
  run.push(all.slice(0, 20));
  run.push(all.slice(20));
  expect(Array.from({ length: run.length }, (_, at) => run.at(at))).toEqual(all);
  expect(run.at(all.length)).toBeUndefined();
  expect(run.quantities).toHaveLength(6);
});

test("runs share the quantities that are equal", () => {
  const shared = new SharedQuantities();
  const runs = ["a", "b"].map((camera) => {
    const run = new RunSeries(shared);
    run.push([seriesOf(camera, "m", { axis: "x" })]);
    return run;
  });
  expect(runs[0]!.quantities[0]).toBe(runs[1]!.quantities[0]);
});
