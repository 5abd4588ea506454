import { expect, test } from "vitest";

import { Fleet } from "./fleet.ts";
import { SlotMap } from "./slot-map.ts";

const LIMITS = {
  recentWindowMs: 60_000,
  recentMaxBytes: 1_000_000,
  silenceLimitMs: 10_000,
  forgetAfterMs: 100_000,
  seriesMaxPerCamera: 10,
  seriesMax: 100,
  camerasMax: 10,
};
const seriesOf = (cameraId: string, metrics: readonly string[]) =>
  metrics.map((metric) => ({
    cameraId,
    metric,
    unit: "1",
    kind: "gauge" as const,
    attributes: {},
  }));

test("slots are told by column, in whatever order columns come", () => {
  const map = new SlotMap(new Fleet(LIMITS));
  map.define(seriesOf("a", ["x", "y", "z"]), 0);
  map.define(seriesOf("b", ["x", "y"]), 0);
  expect([...map.slots(Uint32Array.of(0, 1, 2, 3, 4))]).toEqual([0, 1, 2, 3, 4]);
  expect([...map.slots(Uint32Array.of(4, 1, 1))]).toEqual([4, 1, 1]);
  expect([...map.slots(Uint32Array.of(2, 3))]).toEqual([2, 3]);
  expect([...map.slots(new Uint32Array(0))]).toEqual([]);
});

test("points that are not durable yet keep their slots when the stream begins anew", () => {
  const map = new SlotMap(new Fleet(LIMITS));
  map.define(seriesOf("a", ["x", "y"]), 0);
  const underWay = map.slots(Uint32Array.of(0, 1));
  map.clear();
  map.define(seriesOf("b", ["x", "y"]), 0);
  expect([...map.slots(Uint32Array.of(0, 1))]).toEqual([2, 3]);
  expect([...underWay]).toEqual([0, 1]);
});
