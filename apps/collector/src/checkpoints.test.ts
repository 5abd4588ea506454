import { wordsOf } from "@glassline/otqmn/words";
import { create } from "@bufbuild/protobuf";
import { CheckpointSchema } from "@glassline/proto/storage";
import { simulatedClock } from "@glassline/service/clock/testing";
import { expect, test } from "vitest";

import { Checkpoints } from "./checkpoints.ts";
import { Fleet } from "./core/fleet.ts";
import { Producers } from "./core/producers.ts";
import { cataloguesIn } from "./recovery.ts";

const LIMITS = {
  recentWindowMs: 60_000,
  recentMaxBytes: 1_000_000,
  silenceLimitMs: 10_000,
  forgetAfterMs: 86_400_000,
  seriesMaxPerCamera: 100,
  seriesMax: 100_000,
  camerasMax: 10_000,
};
const SERIES = 20;

function add(fleet: Fleet, cameras: number, first = 0): void {
  for (let camera = first; camera < first + cameras; camera++) {
    const cameraId = `cam-${camera}`;
    const places = Array.from({ length: SERIES }, (_, at) => at);
    const series = places.map((at) => ({
      cameraId,
      metric: `m${at}`,
      unit: "1",
      kind: "gauge" as const,
      attributes: {},
    }));
    const points = {
      series,
      column: Uint32Array.from(places),
      value: Float64Array.from(places, (at) => camera + at),
      groupEnd: Uint32Array.of(SERIES),
      groupTime: wordsOf(BigUint64Array.of(5n)),
      cameras: [{ cameraId, attributes: { site: "north" } }],
    };
    fleet.addRecord(1, points, 1_000);
  }
}

function checkpointsOf(cameras: number) {
  const fleet = new Fleet(LIMITS);
  add(fleet, cameras);
  const checkpoints = new Checkpoints({ fleet, producers: new Producers() }, simulatedClock());
  const head = (index: number) => {
    const head = create(CheckpointSchema, checkpoints.head(index));
    const again = new Fleet(LIMITS);
    for (const catalogue of cataloguesIn(head)) again.restore(catalogue);
    return { from: Number(head.catalogueIndex), again };
  };
  return { fleet, checkpoints, head };
}

test("the catalogue of a small fleet stands in each head", () => {
  const { fleet, head } = checkpointsOf(10);
  expect(head(1).again.cameras.size).toBe(10);
  add(fleet, 5, 10);
  const { from, again } = head(50);
  expect(from).toBe(0);
  expect(again.cameras.size).toBe(15);
  expect(again.latestOf(again.cameras.get("cam-12")!, "m3")).toBe(15);
});

test("that of a larger one is made part by part; until it is ready, the log tells more from further back", () => {
  const { fleet, checkpoints, head } = checkpointsOf(500);
  checkpoints.begin(7, 40);
  expect(head(50)).toMatchObject({ from: 7, again: { cameras: { size: 0 } } });
  checkpoints.work();
  add(fleet, 5, 500);
  expect(head(60)).toMatchObject({ from: 7, again: { cameras: { size: 0 } } });
  for (let part = 0; part < 500; part++) checkpoints.work();
  // It was begun while the segment from 50 on was written: what came since then is in the log.
  const { from, again } = head(70);
  expect(from).toBeGreaterThanOrEqual(50);
  expect(again.cameras.size).toBeGreaterThanOrEqual(500);
  expect(again.latestOf(again.cameras.get("cam-499")!, "m1")).toBe(500);
  expect(head(80)).toMatchObject({ from, again: { cameras: { size: 0 } } });
});
