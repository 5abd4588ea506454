/** A range of one metric of one camera over a day, from blocks and memory: from the request to the encoded answer. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { create } from "@bufbuild/protobuf";
import { SERIES, fleetTicks } from "@glassline/bench/fleet-model";
import { about, report } from "@glassline/bench/report";
import type { Bundle, Series } from "@glassline/otqmn/sample";
import { encodeBundle } from "@glassline/otqmn/whole-bundle";
import { decoded } from "@glassline/proto/encoded";
import { QueryRangeRequestSchema, QueryRangeResponseSchema } from "@glassline/proto/query";
import { systemClock } from "@glassline/service/clock";
import { createLogger } from "@glassline/service/logger";
import { createMetrics } from "@glassline/service/metrics";

import { BlockStore } from "../src/blocks/block-store.ts";
import { Fleet } from "../src/core/fleet.ts";
import { grouped } from "../src/core/record-reader.ts";
import { msOf } from "../src/core/times.ts";
import { collectorMetrics } from "../src/metrics.ts";
import { queryRange } from "../src/range-query.ts";
import { openFileLog } from "../src/stores/file-log.ts";
import type { TelemetryLog } from "../src/stores/telemetry-log.ts";
import { segmentOf } from "../src/stores/telemetry-log.ts";

const BENCH = "day-range";
const DAY_S = 86_400;
const WINDOW_MS = 900_000;
const METRIC = "camera.environment.temperature";
/** 10 cameras at 1 Hz, as in the fleet model; one camera at 10 Hz. */
const CASES = [
  { cameras: 10, hz: 1 },
  { cameras: 1, hz: 10 },
] as const;
const TICKS_PER_BATCH = 60;
const RUNS = 11;
const MEMORY_RUNS = 5;
const MIB = 2 ** 20;

interface Case {
  cameras: number;
  hz: number;
}

export async function measureDayRange(isQuick: boolean): Promise<void> {
  about(
    BENCH,
    "A range of one metric of one camera over a day (a tenth of it with --quick), from blocks and memory. At most 100,000 points are answered. " +
      "Memory is the most that a query left behind, garbage with it.",
  );
  for (const one of CASES) await measureCase(one, isQuick ? DAY_S / 10 : DAY_S);
}

async function measureCase({ cameras, hz }: Case, seconds: number): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "glassline-bench-"));
  try {
    const limits = { segmentMaxBytes: 8 * MIB, maxBytes: 2_048 * MIB };
    await using log = await openFileLog({ directory, ...limits }, () => ({}));
    await using blocks = await BlockStore.open({
      directory: join(directory, "blocks"),
      log,
      clock: systemClock,
      logger: createLogger("bench", "error"),
      metrics: collectorMetrics(createMetrics("bench")),
    });
    const fleet = newFleet(cameras);
    await fill({ cameras, hz }, seconds, log, fleet);
    const ask = () =>
      queryRange(
        { fleet, blocks, clock: systemClock },
        create(QueryRangeRequestSchema, { cameraId: idOf(0), metric: METRIC }),
        new AbortController().signal,
      );
    await ask();
    fleet.sweep(lastMs(fleet) + 1, (firstIndex) => blocks.isStored(firstIndex));
    const [range] = decoded(QueryRangeResponseSchema, await ask()).series;
    const answered = range!.value.length;
    const params = { cameras, hz, seconds, points: seconds * hz, answered };
    await measure(ask, params);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function measure(
  ask: () => ReturnType<typeof queryRange>,
  params: Record<string, number>,
): Promise<void> {
  const runs: { ms: number; cpuMs: number }[] = [];
  for (let run = 0; run < RUNS; run++) {
    const [cpu, startMs] = [process.cpuUsage(), performance.now()];
    await ask();
    const { user, system } = process.cpuUsage(cpu);
    runs.push({ ms: performance.now() - startMs, cpuMs: (user + system) / 1_000 });
  }
  const middle = (pick: (run: (typeof runs)[number]) => number) =>
    runs.map(pick).toSorted((a, b) => a - b)[RUNS >>> 1]!;
  report(
    BENCH,
    "range_p50",
    middle(({ ms }) => ms),
    "ms",
    params,
  );
  report(
    BENCH,
    "range_cpu_p50",
    middle(({ cpuMs }) => cpuMs),
    "ms",
    params,
  );
  let most = 0;
  for (let run = 0; run < MEMORY_RUNS; run++) {
    globalThis.gc?.();
    const before = memoryBytes();
    await ask();
    most = Math.max(most, memoryBytes() - before);
  }
  report(BENCH, "range_memory", most / MIB, "MiB", params);
}

/** Batches of a minute or so of all cameras, as gateways send them. */
async function fill(
  { cameras, hz }: Case,
  seconds: number,
  log: TelemetryLog,
  fleet: Fleet,
): Promise<void> {
  const series = Array.from({ length: cameras }, (_, camera) => seriesOf(camera)).flat();
  const incarnation = new Uint8Array(16);
  const startNano = systemClock.nowUnixNano() - BigInt(seconds) * 1_000_000_000n;
  let seq = 0n;
  const append = async (bundle: Bundle) => {
    const receivedUnixNano = bundle.timeUnixNano.at(-1)!;
    const payload = encodeBundle(bundle);
    const value = { producer: "bench", incarnation, seq: ++seq, keySeq: seq, payload };
    const index = await log.append({ receivedUnixNano, record: { case: "batch", value } });
    fleet.recent.beginSegment(segmentOf(log, index));
    fleet.addRecord(index, grouped(bundle), msOf(receivedUnixNano));
    fleet.trim();
  };
  let tick = 0;
  let draft = emptyBundle(series, TICKS_PER_BATCH);
  for (const { value } of fleetTicks(cameras, seconds * hz)) {
    const at = (tick % TICKS_PER_BATCH) * series.length;
    draft.value.set(value, at);
    draft.timeUnixNano.fill(
      startNano + BigInt(Math.round((tick * 1e9) / hz)),
      at,
      at + value.length,
    );
    if (++tick % TICKS_PER_BATCH > 0) continue;
    await append(draft);
    draft = emptyBundle(series, TICKS_PER_BATCH);
  }
}

function emptyBundle(series: readonly Series[], ticks: number): Bundle {
  const points = ticks * series.length;
  return {
    series,
    seriesIndex: Uint32Array.from({ length: points }, (_, at) => at % series.length),
    timeUnixNano: new BigUint64Array(points),
    value: new Float64Array(points),
    cameras: [],
    traceContexts: [],
  };
}

function seriesOf(camera: number): Series[] {
  return SERIES.map(({ metric }) => ({
    cameraId: idOf(camera),
    metric,
    unit: "1",
    kind: "gauge",
    attributes: {},
  }));
}

const idOf = (camera: number) => `cam-${String(camera).padStart(4, "0")}`;

const lastMs = (fleet: Fleet) => fleet.cameras.get(idOf(0))!.lastReceivedMs;

function newFleet(cameras: number): Fleet {
  return new Fleet({
    recentWindowMs: WINDOW_MS,
    recentMaxBytes: 256 * MIB,
    silenceLimitMs: 10_000,
    forgetAfterMs: Number.MAX_SAFE_INTEGER,
    seriesMaxPerCamera: SERIES.length,
    seriesMax: cameras * SERIES.length,
    camerasMax: cameras,
  });
}

function memoryBytes(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
