import { wordsOf } from "@glassline/otqmn/words";
import { expect, test } from "vitest";

import { catalogueOf, cataloguedOf, partsOf } from "./catalogue.ts";
import { Fleet } from "./fleet.ts";

const LIMITS = {
  recentWindowMs: 60_000,
  recentMaxBytes: 1_000_000,
  silenceLimitMs: 10_000,
  forgetAfterMs: 86_400_000,
  seriesMaxPerCamera: 10,
  seriesMax: 100,
  camerasMax: 100,
};
const SITE = { site: "north" };

/** Camera 0 was heard last; each has two series. */
function fleetOf(cameras: number): Fleet {
  const fleet = new Fleet(LIMITS);
  for (let camera = 0; camera < cameras; camera++) {
    const cameraId = `cam-${camera}`;
    const points = {
      series: ["a", "b"].map((metric) => ({
        cameraId,
        metric,
        unit: "1",
        kind: "gauge" as const,
        attributes: {},
      })),
      column: Uint32Array.of(0, 1),
      value: Float64Array.of(camera, -camera),
      groupEnd: Uint32Array.of(2),
      groupTime: wordsOf(BigUint64Array.of(5n)),
      cameras: [{ cameraId, attributes: SITE }],
    };
    fleet.addRecord(1, points, 100_000 - 1_000 * camera);
  }
  return fleet;
}

const restored = (fleet: Fleet, seriesMax: number, factsMaxBytes: number) => {
  const again = new Fleet(LIMITS);
  const catalogued = cataloguedOf(fleet, { seriesMax, factsMaxBytes });
  for (const part of partsOf(catalogued, { series: 2, cameras: 1 }))
    again.restore(catalogueOf(fleet, part));
  return again;
};

test("a fleet is known again: those heard last with their series, the others by facts and by when they were heard", () => {
  const fleet = restored(fleetOf(6), 5, 1_000);
  expect([...fleet.cameras.keys()].toSorted()).toEqual([0, 1, 2, 3, 4, 5].map((at) => `cam-${at}`));
  const known = [1, 5].map((at) => fleet.cameras.get(`cam-${at}`)!);
  expect(known).toMatchObject([
    { attributes: SITE, lastReceivedMs: 99_000, seriesCount: 2 },
    { attributes: SITE, lastReceivedMs: 95_000, seriesCount: 0 },
  ]);
  expect(fleet.latestOf(known[0]!, "b")).toBe(-1);
  expect(fleet.health(known[1]!, 106_000)).toEqual({
    state: "silent",
    reason: "nothing has come for 11 s",
  });
});

test("of those that are known by facts only, the ones that have been silent for longest come first", () => {
  const fleet = restored(fleetOf(6), 4, 2 * (16 + 2 * "cam-0".length + "sitenorth".length));
  expect([...fleet.cameras.keys()].toSorted()).toEqual(["cam-0", "cam-1", "cam-4", "cam-5"]);
});
