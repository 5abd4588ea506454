/** The latest value and the health of every camera of a large fleet, in one call: from the request to the encoded answer. */
import { wordsOf } from "@glassline/otqmn/words";
import { create } from "@bufbuild/protobuf";
import { SERIES } from "@glassline/bench/fleet-model";
import { about, report } from "@glassline/bench/report";
import { ListCamerasRequestSchema } from "@glassline/proto/query";
import { systemClock } from "@glassline/service/clock";

import { Fleet } from "../src/core/fleet.ts";
import { listCameras } from "../src/camera-query.ts";

const BENCH = "fleet-list";
const CAMERAS = 100_000;
const METRICS = ["camera.status", "camera.environment.temperature"];
const RUNS = 21;
const NEVER_MS = Number.MAX_SAFE_INTEGER;

export function measureFleetList(isQuick: boolean): void {
  about(
    BENCH,
    "Latest values and health of every camera in one call, measured at the server. Goal: 100 ms for 100,000 cameras. Memory is what the collector knows of the fleet: series, " +
      "latest values, one point of each. All of it is one piece of work: nothing else is done meanwhile. The worst is the first, in which nothing is encoded yet.",
  );
  const cameras = isQuick ? CAMERAS / 10 : CAMERAS;
  const before = memoryBytes();
  const fleet = fleetOf(cameras);
  const params = { cameras, seriesPerCamera: SERIES.length, metrics: METRICS.length };
  report(BENCH, "memory", (memoryBytes() - before) / 2 ** 20, "MiB", params);
  const request = create(ListCamerasRequestSchema, { metrics: METRICS });
  const runs = Array.from({ length: RUNS }, () => {
    const [cpu, startMs] = [process.cpuUsage(), performance.now()];
    listCameras({ fleet, clock: systemClock, forgetAfterMs: NEVER_MS }, request);
    const { user, system } = process.cpuUsage(cpu);
    return { ms: performance.now() - startMs, cpuMs: (user + system) / 1_000 };
  });
  const times = runs.map(({ ms }) => ms).toSorted((a, b) => a - b);
  const cpuTimes = runs.map(({ cpuMs }) => cpuMs).toSorted((a, b) => a - b);
  report(BENCH, "list_p50", times[RUNS >>> 1]!, "ms", params);
  report(BENCH, "list_best", times[0]!, "ms", params);
  report(BENCH, "list_worst", times.at(-1)!, "ms", params);
  report(BENCH, "list_cpu_p50", cpuTimes[RUNS >>> 1]!, "ms", params);
}

function fleetOf(cameras: number): Fleet {
  const fleet = new Fleet({
    recentWindowMs: NEVER_MS,
    recentMaxBytes: 2 ** 28,
    silenceLimitMs: NEVER_MS,
    forgetAfterMs: NEVER_MS,
    seriesMaxPerCamera: SERIES.length,
    seriesMax: cameras * SERIES.length,
    camerasMax: cameras,
  });
  fleet.recent.beginSegment(1);
  for (let camera = 0; camera < cameras; camera++) addCamera(fleet, camera);
  return fleet;
}

function addCamera(fleet: Fleet, camera: number): void {
  const cameraId = `cam-${String(camera).padStart(6, "0")}`;
  const points = {
    series: SERIES.map(({ metric }) => ({
      cameraId,
      metric,
      unit: "1",
      kind: "gauge" as const,
      attributes: {},
    })),
    column: Uint32Array.from(SERIES.keys()),
    value: Float64Array.from(SERIES.keys()),
    groupEnd: Uint32Array.of(SERIES.length),
    groupTime: wordsOf(BigUint64Array.of(systemClock.nowUnixNano())),
    cameras: [{ cameraId, attributes: { "camera.source": "simulated" } }],
  };
  fleet.addRecord(camera + 1, points, systemClock.nowMs());
}

function memoryBytes(): number {
  globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
