import { wordsOf } from "@glassline/otqmn/words";
import { seededRandom } from "@glassline/service/random";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { Fleet } from "./fleet.ts";
import { Producers } from "./producers.ts";
import type { Points } from "./points.ts";
import { inOrder } from "./points.ts";
import type { Row } from "./points.testing.ts";
import { pointsOf, rowsOf } from "./points.testing.ts";
import type { RecordPoints } from "./record-reader.ts";
import { RecentPoints } from "./recent-points.ts";
import { NOT_SHOWN_REASONS } from "./slotted-points.ts";
import { thin } from "./thin.ts";
import type { Hop } from "./traces.ts";
import { Traces } from "./traces.ts";

const point = (time: number, value: number): Row => [BigInt(time), value];
const valuesOf = (points: Points) => rowsOf(points).map(([, value]) => value);

/** One point a group. */
const slotted = (slots: number[], times: number[], values: number[]) => ({
  slots: Uint32Array.from(slots),
  value: Float64Array.from(values),
  groupEnd: Uint32Array.from(slots, (_, at) => at + 1),
  groupTime: wordsOf(BigUint64Array.from(times, BigInt)),
});

describe("recent points", () => {
  test("come back by slot, in order of arrival, from a time on and up to another", () => {
    const recent = new RecentPoints();
    recent.beginSegment(1);
    recent.add(1, slotted([0, 1, 0, 0, 0], [5, 1, 9, 3, 7], [50, 1, 90, 30, 70]), 0);
    const found = recent.range([0], 0n, 100n).get(0)!;
    expect(valuesOf(found)).toEqual([50, 90, 30, 70]);
    expect(valuesOf(inOrder(found))).toEqual([30, 50, 70, 90]);
    expect(rowsOf(recent.range([0], 3n, 7n).get(0)!)).toEqual([point(5, 50), point(3, 30)]);
    expect(recent.range([7], 0n, 100n).get(7)).toHaveLength(0);
  });

  test("are let go by segment of the log, and give their memory back; those of a record that came late go where it belongs", () => {
    const recent = new RecentPoints();
    for (const firstIndex of [1, 11, 21]) {
      expect(recent.beginSegment(firstIndex)).toBe(true);
      expect(recent.beginSegment(firstIndex)).toBe(false);
      for (let index = firstIndex; index < firstIndex + 9; index++)
        recent.add(index, slotted([0], [index], [index]), index);
    }
    recent.add(10, slotted([0], [10], [10]), 10);
    const before = recent.bytes;
    recent.dropOldest();
    expect(recent.firstIndex).toBe(11);
    expect(recent.bytes).toBeLessThan(before);
    expect(rowsOf(recent.range([0], 0n, 100n).get(0)!)[0]).toEqual(point(11, 11));
    recent.dropOldest();
    recent.dropOldest();
    expect(recent.firstIndex).toBe(21);
    expect(recent.range([0], 0n, 100n).get(0)).toHaveLength(9);
  });

  test("of a batch larger than a chunk, or with a group for each point, are all there", () => {
    const recent = new RecentPoints();
    recent.beginSegment(1);
    const many = Array.from({ length: 50_000 }, (_, at) => at);
    recent.add(
      1,
      slotted(
        many.map((at) => at % 3),
        many,
        many,
      ),
      0,
    );
    recent.add(2, slotted([1, 1], [1, 2], [-1, -2]), 0);
    const found = recent.range([0, 1, 2], 0n, 100_000n);
    expect([...found.values()].reduce((sum, points) => sum + points.length, 0)).toBe(50_002);
    expect(rowsOf(found.get(1)!).at(-1)).toEqual(point(2, -2));
  });
});

describe("thinning", () => {
  test("keeps every spike, the order, and at most as many points as asked for", () => {
    const random = seededRandom(1);
    const rows = Array.from({ length: 10_000 }, (_, at) => point(at, random()));
    rows[4_321] = point(4_321, 1_000);
    rows[8_765] = point(8_765, -1_000);
    const points = pointsOf(rows);
    for (const maxPoints of [2, 10, 600]) {
      const kept = rowsOf(thin(points, maxPoints));
      expect(kept.length).toBeLessThanOrEqual(maxPoints);
      expect(kept.map(([, value]) => value)).toEqual(expect.arrayContaining([1_000, -1_000]));
      expect(kept.every(([time], at) => at === 0 || kept[at - 1]![0] < time)).toBe(true);
    }
    expect(rowsOf(thin(points, 1))).toEqual(rows.slice(-1));
    expect(thin(points, 0)).toHaveLength(10_000);
  });

  test("leaves few points as they are, and does not stumble over what is no number", () => {
    const points = pointsOf([point(1, Number.NaN), point(2, 5), point(3, Number.NaN)]);
    expect(thin(points, 3)).toBe(points);
    points.append(pointsOf([point(4, 1)]));
    expect(thin(points, 2).length).toBeLessThanOrEqual(2);
  });
});

describe("points", () => {
  const time = fc.oneof(
    fc.bigInt({ min: 0n, max: 9n }),
    fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  );

  test("are sorted by time, and those of one time stay in order of arrival", () => {
    const row = fc.tuple(time, fc.double());
    fc.assert(
      fc.property(fc.array(row, { maxLength: 200 }), (rows) => {
        const expected = rows.toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
        expect(rowsOf(inOrder(pointsOf(rows)))).toEqual(expected);
      }),
    );
  });

  test("of memory are those of the slots and the time that are asked for", () => {
    const arrivals = fc.array(fc.tuple(time, fc.nat({ max: 3 })), { maxLength: 50 });
    fc.assert(
      fc.property(arrivals, time, time, (all, from, to) => {
        const recent = new RecentPoints();
        recent.beginSegment(1);
        const slots = Uint32Array.from(all, ([, slot]) => slot);
        const groups = {
          groupEnd: Uint32Array.from(all, (_, at) => at + 1),
          groupTime: wordsOf(BigUint64Array.from(all, ([moment]) => moment)),
        };
        recent.add(1, { slots, value: Float64Array.from(all.keys()), ...groups }, 0);
        const found = recent.range([1, 2], from, to);
        for (const slot of [1, 2]) {
          const expected = all
            .map(([moment, other], at): [bigint, number, number] => [moment, at, other])
            .filter(([moment, , other]) => other === slot && moment >= from && moment < to)
            .map(([moment, at]) => [moment, at]);
          expect(rowsOf(found.get(slot)!)).toEqual(expected);
        }
      }),
    );
  });

  test("that are appended stand behind the others, and the last are theirs", () => {
    const rows = Array.from({ length: 300 }, (_, at) => point(at, at));
    const points = pointsOf(rows.slice(0, 100));
    points.append(pointsOf(rows.slice(100)));
    expect(rowsOf(points)).toEqual(rows);
    expect(rowsOf(points.last(7))).toEqual(rows.slice(-7));
    expect(rowsOf(points.last(1_000))).toEqual(rows);
  });
});

describe("the fleet", () => {
  const LIMITS = {
    recentWindowMs: 60_000,
    recentMaxBytes: 1_000_000,
    silenceLimitMs: 10_000,
    forgetAfterMs: 10 * 86_400_000,
    seriesMaxPerCamera: 3,
    seriesMax: 5,
    camerasMax: 4,
  };
  const points = (cameraId: string, metric: string, value: number, time = 1n): RecordPoints => ({
    series: [{ cameraId, metric, unit: "1", kind: "gauge" as const, attributes: {} }],
    column: Uint32Array.of(0),
    value: Float64Array.of(value),
    groupEnd: Uint32Array.of(1),
    groupTime: wordsOf(BigUint64Array.of(time)),
    cameras: [],
  });
  const never = () => false;
  const slotsOf = (fleet: Fleet, cameraId: string) =>
    fleet.table.slotsOfCamera(fleet.cameras.get(cameraId)!);
  const metricsOf = (fleet: Fleet, cameraId: string) =>
    slotsOf(fleet, cameraId).map((slot) => fleet.table.series(slot).metric);

  test("knows a camera live, at fault when it says so, and silent when nothing comes", () => {
    const fleet = new Fleet(LIMITS);
    fleet.addRecord(1, points("cam", "camera.status", 0, 1n), 1_000);
    const camera = fleet.cameras.get("cam")!;
    expect(fleet.health(camera, 2_000)).toEqual({ state: "live" });
    fleet.addRecord(1, points("cam", "camera.status", 2, 2n), 3_000);
    expect(fleet.health(camera, 3_000)).toEqual({
      state: "fault",
      reason: "the camera reports camera.status fault",
    });
    expect(fleet.health(camera, 13_500)).toEqual({
      state: "silent",
      reason: "nothing has come for 11 s",
    });
    fleet.addRecord(1, points("cam", "camera.status", 0, 3n), 14_000);
    expect(fleet.health(camera, 14_000)).toEqual({ state: "live" });
  });

  test("counts what is beyond its limits by limit, instead of growing", () => {
    const fleet = new Fleet(LIMITS);
    for (let camera = 0; camera < 6; camera++) {
      for (let metric = 0; metric < 5; metric++)
        fleet.addRecord(1, points(`cam-${camera}`, `m${metric}`, 1), 0);
    }
    expect(fleet.cameras.size).toBe(4);
    expect(fleet.table.seriesCount).toBe(5);
    expect(NOT_SHOWN_REASONS.map((reason) => [reason, fleet.notShown(reason)])).toEqual([
      ["series_of_camera", 2],
      ["series", 13],
      ["cameras", 10],
      ["forgotten", 0],
    ]);
  });

  test("lets the oldest segments go when memory is tight, and old ones when they are in a block", () => {
    const fleet = new Fleet({ ...LIMITS, recentMaxBytes: 300_000, recentWindowMs: 100 });
    for (let segment = 0; segment < 10; segment++) {
      fleet.recent.beginSegment(1 + segment);
      for (let at = 0; at < 10; at++)
        fleet.addRecord(1 + segment, points("cam", "m", at, BigInt(at)), segment * 1_000);
    }
    expect(fleet.recent.bytes).toBeGreaterThan(300_000);
    fleet.sweep(0, never);
    expect(fleet.recent.bytes).toBeLessThanOrEqual(300_000);
    const kept = fleet.recent.segments.length;
    expect(kept).toBeGreaterThan(2);
    fleet.sweep(9_050, never);
    expect(fleet.recent.segments).toHaveLength(kept);
    fleet.sweep(9_050, (firstIndex) => firstIndex < 9);
    expect(fleet.recent.firstIndex).toBe(9);
  });

  test("says how the latest values are over all cameras that are not silent", () => {
    const fleet = new Fleet({ ...LIMITS, seriesMax: 9 });
    fleet.addRecord(1, points("gone", "m", 1_000), 0);
    for (const [camera, value] of [3, 5, Number.NaN].entries())
      fleet.addRecord(2, points(`cam-${camera}`, "m", value), 20_000);
    fleet.addRecord(3, points("cam-0", "other", 7), 20_000);
    expect(Object.fromEntries(fleet.latestByMetric(21_000))).toEqual({
      m: { count: 2, sum: 8, least: 3, greatest: 5 },
      other: { count: 1, sum: 7, least: 7, greatest: 7 },
    });
  });

  test("knows the newest point by its time, whatever the order of arrival", () => {
    const fleet = new Fleet(LIMITS);
    for (const [time, value] of [
      [5n, 50],
      [2n ** 40n, 1],
      [7n, 70],
      [2n ** 40n, 2],
    ] as const)
      fleet.addRecord(1, points("cam", "m", value, time), 1_000_000);
    const [slot] = slotsOf(fleet, "cam");
    expect(fleet.table.latest(slot!)).toEqual({ timeUnixNano: 2n ** 40n, value: 2 });
  });

  test("does not stay with a point of a clock that is far ahead", () => {
    const fleet = new Fleet(LIMITS);
    const nowMs = 1_790_000_000_000;
    const now = BigInt(nowMs) * 1_000_000n;
    const latest = (time: bigint, value: number) => {
      fleet.addRecord(1, points("cam", "m", value, time), nowMs);
      return fleet.table.latest(slotsOf(fleet, "cam")[0]!)?.value;
    };
    const minute = 60_000_000_000n;
    expect(latest(now + 3n * minute, 1)).toBe(1);
    expect(latest(now, 2)).toBe(1);
    expect(latest(now + 60n * minute, 3)).toBe(3);
    expect(latest(2n ** 64n - 1n, 4)).toBe(4);
    expect(latest(now, 5)).toBe(5);
    expect(latest(now - minute, 6)).toBe(5);
  });

  test("forgets series that came once and stay away, but never a camera; their slots go to others when memory has let their points go", () => {
    const fleet = new Fleet(LIMITS);
    fleet.recent.beginSegment(1);
    fleet.addRecord(1, points("cam", "request.1", 1), 0);
    fleet.addRecord(2, points("quiet", "camera.status", 0), 0);
    const nextDayMs = 90_000_000;
    fleet.addRecord(3, points("cam", "camera.status", 0), nextDayMs);
    const { epoch } = fleet.table;
    fleet.sweep(nextDayMs, never);
    expect(fleet.table.epoch).toBeGreaterThan(epoch);
    expect(metricsOf(fleet, "cam")).toEqual(["camera.status"]);
    expect(metricsOf(fleet, "quiet")).toEqual(["camera.status"]);
    expect(fleet.table.seriesCount).toBe(2);
    fleet.addRecord(4, points("cam", "request.2", 2), nextDayMs);
    const early = slotsOf(fleet, "cam").at(-1);
    fleet.recent.beginSegment(5);
    fleet.recent.dropOldest();
    fleet.addRecord(5, points("cam", "request.3", 3), nextDayMs);
    expect([early, slotsOf(fleet, "cam").at(-1)]).toEqual([3, 0]);
    expect(metricsOf(fleet, "cam")).toEqual(["camera.status", "request.2", "request.3"]);
  });
});

describe("a camera that is silent for long", () => {
  test("is forgotten, and makes room for others", () => {
    const limits = {
      recentWindowMs: 60_000,
      recentMaxBytes: 1_000_000,
      silenceLimitMs: 10_000,
      forgetAfterMs: 100_000,
      seriesMaxPerCamera: 3,
      seriesMax: 5,
      camerasMax: 1,
    };
    const fleet = new Fleet(limits);
    fleet.addFacts([{ cameraId: "old", attributes: {} }], 1_000);
    fleet.sweep(90_000, () => false);
    fleet.addFacts([{ cameraId: "new", attributes: {} }], 90_000);
    expect([...fleet.cameras.keys()]).toEqual(["old"]);
    fleet.sweep(200_000, () => false);
    fleet.addFacts([{ cameraId: "new", attributes: {} }], 200_000);
    expect([...fleet.cameras.keys()]).toEqual(["new"]);
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
