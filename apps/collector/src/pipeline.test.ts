/** The way of a batch to the disk: what it holds is not forgotten meanwhile. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { encodeBundle } from "@glassline/otqmn/whole-bundle";
import type { Bundle } from "@glassline/otqmn/sample";
import { EMPTY_BUNDLE } from "@glassline/otqmn/sample";
import { BundleReader } from "@glassline/otqmn/bundle-reader";
import { LogRefusal } from "@glassline/segment-log";
import { systemClock } from "@glassline/service/clock";
import { createMetrics } from "@glassline/service/metrics";
import { afterEach, beforeEach, expect, test } from "vitest";

import { Fleet } from "./core/fleet.ts";
import { rowsOf } from "./core/points.testing.ts";
import { Producers } from "./core/producers.ts";
import { StreamSlots } from "./core/stream-slots.ts";
import { Traces } from "./core/traces.ts";
import { LATEST_TIME } from "./core/times.ts";
import { collectorMetrics } from "./metrics.ts";
import type { Pipeline } from "./pipeline.ts";
import { createPipeline } from "./pipeline.ts";
import { openFileLog } from "./stores/file-log.ts";
import type { TelemetryLog } from "./stores/telemetry-log.ts";

const MIB = 1_048_576;
const DAY_MS = 86_400_000;
const LIMITS = {
  recentWindowMs: 60_000,
  recentMaxBytes: MIB,
  silenceLimitMs: 10_000,
  forgetAfterMs: DAY_MS,
  seriesMaxPerCamera: 10,
  seriesMax: 10,
  camerasMax: 10,
};
const NODE = new Producers().admit("node-1", new Uint8Array(16).fill(7), 0);

let stack: AsyncDisposableStack;
let log: TelemetryLog;
let fleet: Fleet;
let pipeline: Pipeline;
let batches: number;

beforeEach(async () => {
  stack = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), "glassline-pipeline-"));
  stack.defer(() => rm(directory, { recursive: true, force: true }));
  const size = { segmentMaxBytes: MIB, maxBytes: 8 * MIB };
  log = stack.use(await openFileLog({ directory, ...size }, () => ({})));
  fleet = new Fleet(LIMITS);
  const traces = new Traces({ tracesMax: 1, hopsMax: 1 });
  const metrics = collectorMetrics(createMetrics("collector"));
  pipeline = createPipeline(
    { log, fleet, traces, producers: new Producers() },
    systemClock,
    metrics,
  );
  batches = 0;
});
afterEach(() => stack.disposeAsync());

const never = () => false;

function bundleOf(cameraId: string, metric: string): Bundle {
  return {
    ...EMPTY_BUNDLE,
    series: [{ cameraId, metric, unit: "1", kind: "gauge", attributes: {} }],
    seriesIndex: Uint32Array.of(0),
    timeUnixNano: BigUint64Array.of(1n),
    value: Float64Array.of(5),
  };
}

/** A key batch of one point, as a stream brings it. Resolves when it is durable. */
function bring(cameraId: string, metric: string): Promise<void> {
  const seq = ++batches;
  const payload = encodeBundle(bundleOf(cameraId, metric));
  const reader = new BundleReader();
  const points = new StreamSlots(fleet).points(reader, reader.read(payload), systemClock.nowMs());
  return pipeline.appendBatch(NODE, { seq, keySeq: seq, payload, cameras: [], points });
}

/** The points of the camera's series that are shown, by metric. */
function shown(cameraId: string): Record<string, unknown> {
  const { table } = fleet;
  const camera = fleet.cameras.get(cameraId);
  const slots = camera ? table.slotsOfCamera(camera) : [];
  const points = fleet.recentPoints(slots, 0n, LATEST_TIME);
  return Object.fromEntries(
    slots.map((slot) => [table.series(slot).metric, rowsOf(points.get(slot)!)]),
  );
}

test("the first points of a series are shown, though idle series are forgotten while they are under way", async () => {
  const durable = bring("cam", "m");
  fleet.sweep(systemClock.nowMs(), never);
  await durable;
  expect(shown("cam")).toEqual({ m: [[1n, 5]] });
  expect(fleet.notShown("forgotten")).toBe(0);
});

test.each([
  ["a series", DAY_MS / 2],
  ["a camera", 2 * DAY_MS],
])("%s of which nothing had come for long is shown when something does", async (_what, heardMs) => {
  const nowMs = systemClock.nowMs();
  const old = { cameras: [], column: Uint32Array.of(0), value: Float64Array.of(4) };
  const { series } = bundleOf("cam", "m");
  const groups = { groupEnd: Uint32Array.of(1), groupTime: Uint32Array.of(0, 0) };
  fleet.addRecord(1, { series, ...old, ...groups }, nowMs - 2 * DAY_MS);
  fleet.addFacts([{ cameraId: "cam", attributes: {} }], nowMs - heardMs);
  const durable = bring("cam", "m");
  fleet.sweep(nowMs, never);
  await durable;
  expect(shown("cam")).toEqual({
    m: [
      [0n, 4],
      [1n, 5],
    ],
  });
  expect(fleet.notShown("forgotten")).toBe(0);
});

test("a series whose only batch was refused is forgotten", async () => {
  await bring("cam", "stored");
  await log[Symbol.asyncDispose]();
  await expect(bring("cam", "refused")).rejects.toThrow(LogRefusal);
  expect(Object.keys(shown("cam"))).toEqual(["stored", "refused"]);
  fleet.sweep(systemClock.nowMs(), never);
  expect(Object.keys(shown("cam"))).toEqual(["stored"]);
});

test("how long what comes is not stored is told while it waits, and while it is refused", async () => {
  expect(pipeline.notStoredMs()).toBe(0);
  const durable = bring("cam", "stored");
  const [broughtMs, atOnce] = [systemClock.monotonicMs(), pipeline.notStoredMs()];
  // Nothing else is done meanwhile: it cannot be stored yet.
  while (systemClock.monotonicMs() < broughtMs + 2);
  expect(pipeline.notStoredMs()).toBeGreaterThanOrEqual(atOnce + 2);
  expect(pipeline.notStoredMs()).toBeGreaterThan(0);
  await durable;
  expect(pipeline.notStoredMs()).toBe(0);
  await log[Symbol.asyncDispose]();
  await expect(bring("cam", "refused")).rejects.toThrow(LogRefusal);
  await systemClock.sleep(2);
  expect(pipeline.notStoredMs()).toBeGreaterThan(0);
});
