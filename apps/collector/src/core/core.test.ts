import type { Bundle, Series } from "@glassline/otqmn/sample";
import { EMPTY_BUNDLE } from "@glassline/otqmn/sample";
import { seededRandom } from "@glassline/service/random";
import { describe, expect, test } from "vitest";

import { Fleet } from "./fleet.ts";
import { Producers } from "./producers.ts";
import type { Point } from "./recent-points.ts";
import { RecentPoints } from "./recent-points.ts";
import { thin } from "./thin.ts";
import type { Hop } from "./traces.ts";
import { Traces } from "./traces.ts";

const point = (time: number, value: number): Point => ({ timeUnixNano: BigInt(time), value });

describe("recent points", () => {
  test("come back in order of time, whatever the order of arrival, and the latest is the newest by time", () => {
    const points = new RecentPoints(0n);
    for (const time of [5, 1, 9, 3, 7]) points.append(BigInt(time), time * 10, 0);
    expect(points.range(0n, 100n).map(({ value }) => value)).toEqual([10, 30, 50, 70, 90]);
    expect(points.range(3n, 7n).map(({ value }) => value)).toEqual([30, 50]);
    expect(points.latest).toEqual(point(9, 90));
  });

  test("that are let go are known to be elsewhere, and give their memory back", () => {
    const points = new RecentPoints(0n);
    for (let time = 0; time < 1_000; time++) points.append(BigInt(time), time, time);
    const before = points.capacity;
    points.dropBefore(800);
    expect(points.capacity).toBeLessThan(before / 2);
    const first = points.range(0n, 10_000n)[0]!;
    expect(points.completeFromUnixNano).toBe(first.timeUnixNano);
    expect(points.latest!.value).toBe(999);
  });
});

describe("thinning", () => {
  test("keeps every spike, the order, and at most as many points as asked for", () => {
    const random = seededRandom(1);
    const points = Array.from({ length: 10_000 }, (_, at) => point(at, random()));
    points[4_321] = point(4_321, 1_000);
    points[8_765] = point(8_765, -1_000);
    for (const maxPoints of [2, 10, 600]) {
      const kept = thin(points, maxPoints);
      expect(kept.length).toBeLessThanOrEqual(maxPoints);
      expect(kept.map(({ value }) => value)).toEqual(expect.arrayContaining([1_000, -1_000]));
      expect(
        kept.every((one, at) => at === 0 || kept[at - 1]!.timeUnixNano < one.timeUnixNano),
      ).toBe(true);
    }
    expect(thin(points, 1)).toHaveLength(1);
    expect(thin(points, 0)).toHaveLength(10_000);
  });

  test("leaves few points as they are, and does not stumble over what is no number", () => {
    const points = [point(1, Number.NaN), point(2, 5), point(3, Number.NaN)];
    expect(thin(points, 3)).toBe(points);
    expect(thin([...points, point(4, 1)], 2).length).toBeLessThanOrEqual(2);
  });
});

describe("the fleet", () => {
  const LIMITS = {
    recentWindowMs: 60_000,
    recentMaxBytes: 1_000_000,
    silenceLimitMs: 10_000,
    seriesMaxPerCamera: 3,
    seriesMax: 5,
    camerasMax: 4,
  };
  const bundle = (cameraId: string, metric: string, value: number, time = 1n): Bundle => {
    const series: Series = { cameraId, metric, unit: "1", kind: "gauge", attributes: {} };
    return {
      ...EMPTY_BUNDLE,
      series: [series],
      seriesIndex: Uint32Array.of(0),
      timeUnixNano: BigUint64Array.of(time),
      value: Float64Array.of(value),
    };
  };

  test("knows a camera live, at fault when it says so, and silent when nothing comes", () => {
    const fleet = new Fleet(LIMITS);
    fleet.add(bundle("cam", "camera.status", 0, 1n), 1_000);
    const camera = fleet.cameras.get("cam")!;
    expect(fleet.health(camera, 2_000)).toEqual({ state: "live" });
    fleet.add(bundle("cam", "camera.status", 2, 2n), 3_000);
    expect(fleet.health(camera, 3_000)).toEqual({
      state: "fault",
      reason: "the camera reports camera.status fault",
    });
    expect(fleet.health(camera, 13_500)).toEqual({
      state: "silent",
      reason: "nothing has come for 11 s",
    });
    fleet.add(bundle("cam", "camera.status", 0, 3n), 14_000);
    expect(fleet.health(camera, 14_000)).toEqual({ state: "live" });
  });

  test("counts what is beyond its limits instead of growing", () => {
    const fleet = new Fleet(LIMITS);
    for (let camera = 0; camera < 6; camera++) {
      for (let metric = 0; metric < 5; metric++)
        fleet.add(bundle(`cam-${camera}`, `m${metric}`, 1), 0);
    }
    expect(fleet.cameras.size).toBe(4);
    expect(fleet.seriesCount).toBe(5);
    expect(fleet.unindexedPoints).toBe(25);
  });

  test("shortens its window when memory is tight, and lengthens it again", () => {
    const fleet = new Fleet({ ...LIMITS, recentMaxBytes: 32_000 });
    let nowMs = 0;
    const fill = (everyMs: number, count: number) => {
      for (let at = 0; at < count; at++, nowMs += everyMs) {
        fleet.add(bundle("cam", "m", at, BigInt(nowMs)), nowMs);
        if (at % 10 === 0) fleet.sweep(nowMs);
      }
    };
    fill(10, 20_000);
    expect(fleet.recentBytes).toBeLessThan(64_000);
    fill(1_000, 2_000);
    const { points } = [...fleet.cameras.get("cam")!.series.values()][0]!;
    expect(points.range(0n, BigInt(nowMs)).length).toBeGreaterThan(50);
  });

  test("forgets series that came once and stay away, but never a camera", () => {
    const fleet = new Fleet(LIMITS);
    fleet.add(bundle("cam", "request.1", 1), 0);
    fleet.add(bundle("quiet", "camera.status", 0), 0);
    const nextDayMs = 90_000_000;
    fleet.add(bundle("cam", "camera.status", 0), nextDayMs);
    fleet.sweep(nextDayMs);
    expect(
      [...fleet.cameras.get("cam")!.series.values()].map(({ series }) => series.metric),
    ).toEqual(["camera.status"]);
    expect(fleet.cameras.get("quiet")!.series.size).toBe(1);
    expect(fleet.seriesCount).toBe(2);
  });
});

describe("traces", () => {
  const hop = (traceId: string, spanId: string, start: number): Hop => ({
    traceId,
    spanId,
    parentSpanId: "",
    service: "mesh-node",
    instance: `node-${spanId}`,
    name: "router.ts",
    startUnixNano: BigInt(start),
    endUnixNano: BigInt(start + 5),
    attributes: { "camera.id": "cam-1" },
  });

  test("are listed when they are whole, newest first, and their hops come in order of start, each once", () => {
    const traces = new Traces({ tracesMax: 10, hopsMax: 10 });
    for (const [id, start] of [
      ["2", 20],
      ["1", 10],
      ["2", 20],
    ] as const)
      traces.add(hop("a", id, start), 0);
    traces.add(hop("b", "3", 30), 5_000);
    expect(traces.summaries(10, "", 6_000).map(({ traceId }) => traceId)).toEqual(["a"]);
    expect(traces.summaries(10, "", 7_000).map(({ traceId }) => traceId)).toEqual(["b", "a"]);
    expect(traces.summaries(10, "cam-2", 7_000)).toEqual([]);
    expect(traces.hops("a")!.map(({ spanId }) => spanId)).toEqual(["1", "2"]);
    expect(traces.summaries(10, "", 7_000)[1]).toMatchObject({
      durationNano: 15n,
      spanCount: 2,
      services: ["node-1", "node-2"],
    });
  });

  test("are bounded in number and in hops; what is dropped is counted", () => {
    const traces = new Traces({ tracesMax: 2, hopsMax: 3 });
    for (const traceId of ["a", "b", "c"]) traces.add(hop(traceId, "1", 1), 0);
    expect(traces.hops("a")).toBeUndefined();
    for (let id = 2; id < 7; id++) traces.add(hop("c", String(id), id), 0);
    expect(traces.hops("c")).toHaveLength(3);
    expect(traces.droppedHops).toBe(3);
  });
});

test("producers keep a few incarnations each, and always the one that is connected", () => {
  const producers = new Producers();
  producers.admit("node-1", Uint8Array.of(0), 5).connected = true;
  for (let incarnation = 1; incarnation < 20; incarnation++)
    producers.admit("node-1", Uint8Array.of(incarnation), 0);
  producers.admit("node-2", Uint8Array.of(1), 0);
  expect(producers.all.filter(({ producer }) => producer === "node-1").length).toBeLessThanOrEqual(
    5,
  );
  const find = (name: string, incarnation: number) =>
    producers.all.find((state) => state.producer === name && state.incarnation[0] === incarnation);
  expect(find("node-1", 0)?.durableSeq).toBe(5);
  expect(find("node-1", 19)).toBeDefined();
  expect(find("node-2", 1)).toBeDefined();
});
