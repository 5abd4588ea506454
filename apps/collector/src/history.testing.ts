/** What cameras sent, in a real log with its blocks, for tests of queries. Times are in seconds since `BEGIN_S`. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { EMPTY_BUNDLE } from "@glassline/otqmn/sample";
import { encodeBundle } from "@glassline/otqmn/whole-bundle";
import { systemClock } from "@glassline/service/clock";
import { createLogger } from "@glassline/service/logger";
import { createMetrics } from "@glassline/service/metrics";

import { BlockStore } from "./blocks/block-store.ts";
import { Fleet } from "./core/fleet.ts";
import { grouped } from "./core/record-reader.ts";
import { collectorMetrics } from "./metrics.ts";
import type { PointDeps } from "./series-points.ts";
import { openFileLog } from "./stores/file-log.ts";
import { segmentOf } from "./stores/telemetry-log.ts";

/** Unix seconds. */
export const BEGIN_S = 1_790_000_000;
const LIMITS = {
  recentWindowMs: 60_000,
  recentMaxBytes: 10_000_000,
  silenceLimitMs: 10_000,
  forgetAfterMs: 1e12,
  seriesMaxPerCamera: 10,
  seriesMax: 100,
  camerasMax: 10,
};

export interface Sample {
  metric: string;
  second: number;
  value: number;
  attributes?: Record<string, string>;
}

export interface History extends AsyncDisposable {
  deps: () => PointDeps;
  /** As one batch. */
  append: (cameraId: string, samples: readonly Sample[]) => Promise<void>;
  /** What came so far is in a block, and not in memory any more. */
  roll: () => Promise<void>;
  /** The collector knows its cameras by their blocks only. */
  forget: () => void;
}

export const nanoAt = (second: number): bigint => BigInt(BEGIN_S + second) * 1_000_000_000n;

export async function openHistory(): Promise<History> {
  await using stack = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), "glassline-history-"));
  stack.defer(() => rm(directory, { recursive: true, force: true }));
  const limits = { segmentMaxBytes: 1_000_000, maxBytes: 10_000_000 };
  const log = stack.use(
    await openFileLog({ directory: join(directory, "log"), ...limits }, () => ({})),
  );
  const blocks = stack.use(
    await BlockStore.open({
      directory: join(directory, "blocks"),
      log,
      clock: systemClock,
      logger: createLogger("test", "silent"),
      metrics: collectorMetrics(createMetrics("test")),
    }),
  );
  let fleet = new Fleet(LIMITS);
  let seq = 0n;
  const parts = stack.move();
  return {
    deps: () => ({ fleet, blocks }),
    append: async (cameraId, samples) => {
      const bundle = bundleOf(cameraId, samples);
      const stored = { producer: "p", incarnation: new Uint8Array(16), seq: ++seq, keySeq: seq };
      const value = { ...stored, payload: encodeBundle(bundle) };
      const index = await log.append({ receivedUnixNano: 1n, record: { case: "batch", value } });
      fleet.recent.beginSegment(segmentOf(log, index));
      fleet.addRecord(index, grouped(bundle), 1);
    },
    roll: async () => {
      await log.roll();
      fleet.recent.beginSegment(log.segments.at(-1)!.firstIndex);
      while (fleet.recent.segments.length > 1) fleet.recent.dropOldest();
    },
    forget: () => {
      fleet = new Fleet(LIMITS);
      fleet.recent.beginSegment(log.segments.at(-1)!.firstIndex);
    },
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

function bundleOf(cameraId: string, samples: readonly Sample[]) {
  return {
    ...EMPTY_BUNDLE,
    series: samples.map(({ metric, attributes = {} }) => ({
      cameraId,
      metric,
      attributes,
      unit: "1",
      kind: "gauge" as const,
    })),
    seriesIndex: Uint32Array.from(samples.keys()),
    timeUnixNano: BigUint64Array.from(samples, ({ second }) => nanoAt(second)),
    value: Float64Array.from(samples, ({ value }) => value),
  };
}
