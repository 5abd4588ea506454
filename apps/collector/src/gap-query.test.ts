/** The gap ledger over a real log with its blocks. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { create } from "@bufbuild/protobuf";
import { EMPTY_BUNDLE } from "@glassline/otqmn/sample";
import { encodeBundle } from "@glassline/otqmn/whole-bundle";
import { GapCause } from "@glassline/proto/camera";
import { ListGapsRequestSchema, ListGapsResponseSchema } from "@glassline/proto/query";
import { systemClock } from "@glassline/service/clock";
import { createLogger } from "@glassline/service/logger";
import { createMetrics } from "@glassline/service/metrics";
import { afterEach, beforeEach, expect, test } from "vitest";

import { BlockStore } from "./blocks/block-store.ts";
import { Fleet } from "./core/fleet.ts";
import { grouped } from "./core/record-reader.ts";
import { listGaps } from "./gap-query.ts";
import { collectorMetrics } from "./metrics.ts";
import { openFileLog } from "./stores/file-log.ts";
import { segmentOf } from "./stores/telemetry-log.ts";

/** When the cameras began, in seconds since 1970. */
const BEGIN_S = 1_790_000_000;
const nano = (second: number) => BigInt(BEGIN_S + second) * 1_000_000_000n;
const MESH = { cause: "mesh", reason: "ring_full" };
const LIMITS = {
  recentWindowMs: 60_000,
  recentMaxBytes: 10_000_000,
  silenceLimitMs: 10_000,
  forgetAfterMs: 1e12,
  seriesMaxPerCamera: 10,
  seriesMax: 100,
  camerasMax: 10,
};

let directory: string;
beforeEach(async () => void (directory = await mkdtemp(join(tmpdir(), "glassline-gaps-"))));
afterEach(() => rm(directory, { recursive: true, force: true }));

interface Sample {
  metric: string;
  second: number;
  value: number;
  attributes?: Record<string, string>;
}

const statuses = (from: number, to: number): Sample[] =>
  Array.from({ length: to - from }, (_, at) => ({
    metric: "camera.status",
    second: from + at,
    value: 0,
  }));
const telling = (second: number, duration: number, reports: number): Sample[] => [
  { metric: "camera.gap.duration", second, value: duration, attributes: MESH },
  { metric: "camera.gap.reports", second, value: reports, attributes: MESH },
];

interface Ledger {
  /** As one batch. */
  append: (cameraId: string, samples: readonly Sample[]) => Promise<void>;
  /** What came so far is in a block, and not in memory any more. */
  roll: () => Promise<void>;
  /** The collector has never heard of any camera but by its blocks. */
  forget: () => void;
  /** Begin and end in seconds, why. */
  gaps: (cameraId: string, from: number, to: number) => Promise<[number, number, string][]>;
}

async function withLedger(nowS: number, work: (ledger: Ledger) => Promise<void>): Promise<void> {
  const log = await openFileLog(
    { directory: join(directory, "log"), segmentMaxBytes: 1_000_000, maxBytes: 10_000_000 },
    () => ({}),
  );
  await using _log = log;
  await using blocks = await BlockStore.open({
    directory: join(directory, "blocks"),
    log,
    clock: systemClock,
    logger: createLogger("test", "silent"),
    metrics: collectorMetrics(createMetrics("test")),
  });
  const clock = { ...systemClock, nowUnixNano: () => nano(nowS) };
  let fleet = new Fleet(LIMITS);
  let seq = 0n;
  await work({
    append: async (cameraId, samples) => {
      const bundle = {
        ...EMPTY_BUNDLE,
        series: samples.map(({ metric, attributes = {} }) => ({
          cameraId,
          metric,
          attributes,
          unit: "1",
          kind: "gauge" as const,
        })),
        seriesIndex: Uint32Array.from(samples.keys()),
        timeUnixNano: BigUint64Array.from(samples, ({ second }) => nano(second)),
        value: Float64Array.from(samples, ({ value }) => value),
      };
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
    gaps: async (cameraId, from, to) => {
      const request = create(ListGapsRequestSchema, {
        cameraId,
        fromUnixNano: from === 0 ? 0n : nano(from),
        toUnixNano: to === 0 ? 0n : nano(to),
      });
      const { signal } = new AbortController();
      const answer = await listGaps({ fleet, blocks, clock }, request, signal);
      return create(ListGapsResponseSchema, answer).gaps.map((gap) => [
        Number(gap.fromUnixNano / 1_000_000_000n) - BEGIN_S,
        Number(gap.toUnixNano / 1_000_000_000n) - BEGIN_S,
        gap.cause === GapCause.MESH ? `MESH ${gap.reports}` : gap.reason,
      ]);
    },
  });
}

test("a told gap is shown by every window of which it takes a part, from blocks and from memory", () =>
  withLedger(8_100, async ({ append, roll, gaps }) => {
    await append("cam", statuses(0, 600));
    await roll();
    await append("other", statuses(0, 8_100));
    await roll();
    await append("cam", [...statuses(8_000, 8_100), ...telling(600, 7_399, 7_400)]);
    const told = [600, 7_999, "MESH 7400"];
    for (const place of ["memory", "block"]) {
      if (place === "block") await roll();
      expect(await gaps("cam", 0, 0)).toEqual([told]);
      expect(await gaps("cam", 3_000, 3_600)).toEqual([told]);
      expect(await gaps("cam", 300, 700)).toEqual([told]);
      expect(await gaps("cam", 7_990, 8_050)).toEqual([told]);
      expect(await gaps("cam", 8_010, 8_050)).toEqual([]);
      expect(await gaps("cam", 100, 500)).toEqual([]);
      expect(await gaps("", 3_000, 3_600)).toEqual([told]);
      expect(await gaps("", 8_010, 0)).toEqual([]);
    }
  }));

test("a told gap that covers a part of an outage leaves the rest of it a hole", () =>
  withLedger(8_100, async ({ append, gaps }) => {
    await append("cam", [...statuses(0, 600), ...statuses(8_000, 8_100)]);
    await append("cam", [...telling(600, 1_000, 1_001), ...statuses(8_100, 8_101)]);
    const told = [600, 1_600, "MESH 1001"];
    expect(await gaps("cam", 0, 0)).toEqual([told, [1_600, 8_000, "nothing came"]]);
    expect(await gaps("cam", 700, 900)).toEqual([told]);
    expect(await gaps("cam", 1_700, 1_900)).toEqual([[1_600, 1_900, "nothing came"]]);
  }));

test("an outage that covers the window whole is seen, up to a day after its begin", () =>
  withLedger(200_000, async ({ append, roll, gaps }) => {
    await append("cam", statuses(0, 600));
    await roll();
    await append(
      "slow",
      [0, 100, 200, 300, 400, 500, 600, 700].flatMap((at) => statuses(at, at + 1)),
    );
    await roll();
    expect(await gaps("cam", 700, 800)).toEqual([[599, 800, "nothing came"]]);
    expect(await gaps("cam", 5_000, 5_100)).toEqual([[599, 5_100, "nothing came"]]);
    expect(await gaps("cam", 80_000, 0)).toEqual([[599, 200_000, "nothing has come since"]]);
    expect(await gaps("cam", 90_000, 0)).toEqual([]);
    expect(await gaps("slow", 710, 990)).toEqual([]);
    expect(await gaps("slow", 710, 1_200)).toEqual([[700, 1_200, "nothing came"]]);
  }));

test("a camera that only blocks know is answered for; one that nothing knows is not", () =>
  withLedger(700, async ({ append, roll, forget, gaps }) => {
    await append("cam", [...statuses(0, 100), ...statuses(200, 300), ...telling(100, 9, 10)]);
    await roll();
    forget();
    expect(await gaps("cam", 50, 290)).toEqual([
      [100, 109, "MESH 10"],
      [109, 200, "nothing came"],
    ]);
    expect(await gaps("cam", 0, 4)).toEqual([]);
    await expect(gaps("none", 50, 290)).rejects.toThrow('camera "none": nothing has come from it');
  }));
