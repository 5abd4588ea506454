import { create } from "@bufbuild/protobuf";
import { SeriesKind } from "@glassline/proto/camera";
import { LatestSampleSchema } from "@glassline/proto/query";
import { expect, test } from "vitest";

import type { ChartData } from "./chart-data.ts";
import { metricGroups } from "./metrics.ts";
import { readingsOf } from "./readings.ts";

function metricWith(...units: readonly string[]) {
  const samples = units.map((unit, index) =>
    create(LatestSampleSchema, {
      series: {
        metric: "camera.gpmf.attd",
        unit,
        kind: SeriesKind.GAUGE,
        attributes: { component: String(index) },
      },
      value: 0.5,
    }),
  );
  return metricGroups(samples)[0]!.metrics[0]!;
}

test("each series is written in its own unit", () => {
  const readings = readingsOf(metricWith("s", "rad"), undefined, null, () => undefined);
  expect(readings).toEqual([
    { name: "[0]", text: "500", unit: "ms" },
    { name: "[1]", text: "0.500", unit: "rad" },
  ]);
});

test("the values under the cursor too", () => {
  const data: ChartData = { names: ["[0]", "[1]"], columns: [[1], [0.004], [7200]] };
  const readings = readingsOf(metricWith("s", "rpm"), data, 0, () => undefined);
  expect(readings).toEqual([
    { name: "[0]", text: "4.00", unit: "ms" },
    { name: "[1]", text: "7,200", unit: "rpm" },
  ]);
});

test("series of different units have no unit in common", () => {
  expect(metricWith("s", "rad").unit).toBeUndefined();
  expect(metricWith("rad", "rad").unit).toBe("rad");
});
