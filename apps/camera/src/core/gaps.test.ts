import type { Series } from "@glassline/otqmn/sample";
import { expect, test } from "vitest";

import { Gaps } from "./gaps.ts";

const series: Series = { cameraId: "cam", metric: "m", unit: "1", kind: "gauge", attributes: {} };
const report = (...seconds: number[]) => ({
  cameraId: "cam",
  samples: seconds.map((second) => ({
    series,
    timeUnixNano: BigInt(second) * 1_000_000_000n,
    value: 1,
  })),
});
const ringFull = { cause: "collector", reason: "ring_full" } as const;
const unreachable = { cause: "mesh", reason: "gateway_unreachable" } as const;
const told = (gaps: Gaps) =>
  gaps
    .take("cam")
    .map(({ series: { metric, attributes }, timeUnixNano, value }) => [
      metric,
      attributes["cause"],
      attributes["reason"],
      Number(timeUnixNano / 1_000_000_000n),
      value,
    ]);

test("reports that are lost one after another for one reason are one gap, told once", () => {
  const gaps = new Gaps();
  gaps.lost(report(11, 10), ringFull);
  gaps.lost(report(12), ringFull);
  gaps.lost(report(13, 15), unreachable);
  expect(gaps.has("cam")).toBe(true);
  expect(told(gaps)).toEqual([
    ["camera.gap.duration", "collector", "ring_full", 10, 2],
    ["camera.gap.reports", "collector", "ring_full", 10, 2],
    ["camera.gap.duration", "mesh", "gateway_unreachable", 13, 2],
    ["camera.gap.reports", "mesh", "gateway_unreachable", 13, 1],
  ]);
  expect(gaps.has("cam")).toBe(false);
  expect(told(gaps)).toEqual([]);
});

test("whatever is lost, memory is bounded and no report is forgotten", () => {
  const gaps = new Gaps();
  for (let second = 0; second < 1_000; second++)
    gaps.lost(report(second), second % 2 === 0 ? ringFull : unreachable);
  const reports = told(gaps).filter(([metric]) => metric === "camera.gap.reports");
  expect(reports).toHaveLength(64);
  expect(reports.reduce((sum, [, , , , value]) => sum + Number(value), 0)).toBe(1_000);
});
