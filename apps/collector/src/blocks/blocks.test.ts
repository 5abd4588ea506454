import { mkdtemp, open, readdir, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { Series } from "@glassline/otqmn/sample";
import { EMPTY_BUNDLE } from "@glassline/otqmn/sample";
import { decodeBundle, encodeBundle } from "@glassline/otqmn/whole-bundle";
import { systemClock } from "@glassline/service/clock";
import { createLogger } from "@glassline/service/logger";
import { createMetrics } from "@glassline/service/metrics";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { rowsOf } from "../core/points.testing.ts";
import type { RecordPoints } from "../core/record-reader.ts";
import { grouped } from "../core/record-reader.ts";
import { Rollup } from "../core/rollup.ts";
import { collectorMetrics } from "../metrics.ts";
import { openFileLog } from "../stores/file-log.ts";
import type { TelemetryLog } from "../stores/telemetry-log.ts";
import { BlockBuilder } from "./block-builder.ts";
import { BlockDamaged, readChunks, readIndex, writeBlock } from "./block-file.ts";
import { nameOf } from "./block-name.ts";
import { BlockStore } from "./block-store.ts";
import type { Wanted } from "./chunk-points.ts";

let directory: string;
beforeEach(async () => void (directory = await mkdtemp(join(tmpdir(), "glassline-blocks-"))));
afterEach(() => rm(directory, { recursive: true, force: true }));

const seriesOf = (camera: number, metric = "m"): Series => ({
  cameraId: `cam-${camera}`,
  metric,
  unit: "1",
  kind: "gauge",
  attributes: {},
});

/** [camera, metric, time, value] */
type Row = [number, number, number, number];

function pointsOf(rows: readonly Row[]): RecordPoints {
  const series = rows.map(([camera, metric]) => seriesOf(camera, `m${metric}`));
  return grouped({
    ...EMPTY_BUNDLE,
    series,
    seriesIndex: Uint32Array.from(rows.keys()),
    timeUnixNano: BigUint64Array.from(rows, ([, , time]) => BigInt(time)),
    value: Float64Array.from(rows, ([, , , value]) => value),
  });
}

describe("a block", () => {
  test("has every point of every camera in order of arrival, and cameras in order", () => {
    const row = fc.tuple(
      fc.nat({ max: 12 }),
      fc.nat({ max: 2 }),
      fc.nat({ max: 5 }),
      fc.integer({ min: -9, max: 9 }),
    );
    fc.assert(
      fc.property(fc.array(fc.array(row, { maxLength: 40 }), { maxLength: 8 }), (batches) => {
        const builder = new BlockBuilder();
        for (const rows of batches) builder.add(pointsOf(rows));
        const found = new Map<string, string[]>();
        const cameras: string[] = [];
        for (const chunk of builder.chunks()) {
          const { series, seriesIndex, timeUnixNano, value } = decodeBundle(chunk.bytes);
          cameras.push(chunk.firstCamera, chunk.lastCamera);
          for (const [at, index] of seriesIndex.entries()) {
            const { cameraId, metric } = series[index]!;
            expect(timeUnixNano[at]! >= chunk.leastTimeUnixNano).toBe(true);
            expect(timeUnixNano[at]! <= chunk.greatestTimeUnixNano).toBe(true);
            const key = `${cameraId} ${metric}`;
            found.set(key, [...(found.get(key) ?? []), `${timeUnixNano[at]} ${value[at]}`]);
          }
        }
        expect(cameras).toEqual(cameras.toSorted());
        const expected = new Map<string, string[]>();
        for (const [camera, metric, time, value] of batches.flat()) {
          const key = `cam-${camera} m${metric}`;
          expected.set(key, [...(expected.get(key) ?? []), `${time} ${value}`]);
        }
        expect(found).toEqual(expected);
      }),
    );
  });

  test("of a camera with many points has several chunks", () => {
    const builder = new BlockBuilder();
    const rows = Array.from({ length: 40_000 }, (_, at): Row => [1, 0, at, at]);
    builder.add(pointsOf(rows));
    const chunks = [...builder.chunks()];
    expect(chunks.length).toBeGreaterThan(2);
    expect(chunks.reduce((sum, { points }) => sum + points, 0)).toBe(40_000);
  });

  test("as a file is whole or says that it is damaged, wherever", async () => {
    const builder = new BlockBuilder();
    for (let camera = 0; camera < 40; camera++)
      builder.add(pointsOf(Array.from({ length: 1_000 }, (_, at) => [camera, 0, at, at % 7])));
    const { points, rollups } = builder;
    const about = { firstIndex: 7, endIndex: 9, points, rollups, unreadable: 2 };
    const name = nameOf(writeBlock(directory, builder.chunks(), about));
    expect(await readdir(directory)).toEqual([name]);
    const path = join(directory, name);
    const index = await readIndex(path);
    expect(index).toMatchObject({ firstIndex: 7n, endIndex: 9n, points: 40_000n });
    expect(await Array.fromAsync(readChunks(path, index.chunks))).toHaveLength(index.chunks.length);

    const file = await open(path, "r+");
    const { size } = await file.stat();
    for (const at of [9, size - 5, size - 14, size - 40]) {
      const [byte] = (await file.read(Buffer.alloc(1), 0, 1, at)).buffer;
      await file.write(Buffer.of(byte! ^ 1), 0, 1, at);
      const reading = readIndex(path).then(({ chunks }) =>
        Array.fromAsync(readChunks(path, chunks)),
      );
      await expect(reading).rejects.toThrow(BlockDamaged);
      await file.write(Buffer.of(byte!), 0, 1, at);
    }
    await file.truncate(5);
    await file.close();
    await expect(readIndex(path)).rejects.toThrow(BlockDamaged);
  });
});

describe("the blocks of a log", () => {
  const signal = new AbortController().signal;
  const wanted = { cameraId: "cam-1", metrics: ["m"], from: 0n, to: 1_000n };

  async function withStore(
    work: (store: BlockStore, log: TelemetryLog) => Promise<void>,
    indexesMaxBytes?: number,
  ): Promise<void> {
    const limits = { segmentMaxBytes: 65_536, maxBytes: 10_000_000 };
    await using log = await openFileLog(
      { directory: join(directory, "log"), ...limits },
      () => ({}),
    );
    await using store = await BlockStore.open({
      directory: join(directory, "blocks"),
      log,
      clock: systemClock,
      logger: createLogger("test", "silent"),
      metrics: collectorMetrics(createMetrics("test")),
      ...(indexesMaxBytes && { indexesMaxBytes }),
    });
    await work(store, log);
  }

  /** One point whose value and time are the number. */
  const append = (log: TelemetryLog, number: number) => {
    const payload = encodeBundle({
      ...EMPTY_BUNDLE,
      series: [seriesOf(1)],
      seriesIndex: Uint32Array.of(0),
      timeUnixNano: BigUint64Array.of(BigInt(number)),
      value: Float64Array.of(number),
    });
    const [seq, incarnation] = [BigInt(number), new Uint8Array(16)];
    const value = { producer: "p", incarnation, seq, keySeq: seq, payload };
    return log.append({ receivedUnixNano: 1n, record: { case: "batch", value } });
  };
  const valuesIn = async (store: BlockStore, log: TelemetryLog, asked: Wanted = wanted) => {
    const found = store.points(asked, log.segments.at(-1)!.firstIndex, signal);
    const blocks = await Array.fromAsync(found, (ofBlock) => [...ofBlock.values()]);
    return blocks.flat().flatMap(({ points }) => rowsOf(points).map(([, value]) => value));
  };

  test("are made by a thread when they are asked for, one for each closed segment", () =>
    withStore(async (store, log) => {
      for (let number = 1; number <= 9; number++) {
        await append(log, number);
        if (number % 3 === 0) await log.roll();
      }
      expect(await valuesIn(store, log)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
      expect(await readdir(join(directory, "blocks"))).toHaveLength(3);
    }));

  test("are added up over all of them, also when few of their indexes are at hand", () =>
    withStore(async (store, log) => {
      for (let number = 1; number <= 9; number++) {
        await append(log, number);
        await log.roll();
      }
      for (let time = 0; time < 2; time++) {
        const rollup = new Rollup();
        const open = log.segments.at(-1)!.firstIndex;
        expect(await store.rollUp("m", open, rollup, signal)).toEqual(new Set([open]));
        const cell = { count: 9, sum: 45, least: 1, greatest: 9 };
        expect(rollup.inOrder()).toEqual([[0, cell]]);
        expect(await valuesIn(store, log)).toHaveLength(9);
      }
    }, 1));

  test("that are damaged or gone are made again", () =>
    withStore(async (store, log) => {
      await append(log, 1);
      await log.roll();
      expect(await valuesIn(store, log)).toEqual([1]);
      const [name] = await readdir(join(directory, "blocks"));
      const path = join(directory, "blocks", name!);
      const file = await open(path, "r+");
      await file.write(Buffer.of(0xff), 0, 1, 12);
      await file.close();
      expect(await valuesIn(store, log)).toEqual([1]);
      await rm(path);
      expect(await valuesIn(store, log)).toEqual([1]);
    }));

  test("are not opened for other times, also after a start", async () => {
    const ms = 1_000_000;
    const some = { ...wanted, from: BigInt(4 * ms), to: BigInt(6 * ms) };
    await withStore(async (store, log) => {
      for (let number = 1; number <= 9; number++) {
        await append(log, number * ms);
        await log.roll();
      }
      await valuesIn(store, log, { ...wanted, to: BigInt(99 * ms) });
    });
    const folder = join(directory, "blocks");
    const names = (await readdir(folder)).toSorted();
    expect(names).toHaveLength(9);
    for (const other of [0, 1, 7, 8]) await truncate(join(folder, names[other]!), 0);
    await writeFile(join(folder, "0000000000000001.block"), "of an older format");
    await withStore(async (store, log) => {
      expect(await valuesIn(store, log, some)).toEqual([4 * ms, 5 * ms]);
      const late = { ...wanted, besides: BigInt(5 * ms), to: BigInt(7 * ms) };
      expect(await valuesIn(store, log, late)).toEqual([5 * ms, 6 * ms]);
      expect((await readdir(folder)).toSorted()).toEqual(names);
      const { size } = await stat(join(folder, names[0]!));
      expect(size).toBe(0);
    });
  });

  test("are waited for no longer than somebody wants them", () =>
    withStore(async (store, log) => {
      await append(log, 1);
      await log.roll();
      const reading = store.points(wanted, 1_000, AbortSignal.abort(new Error("gone")));
      await expect(reading.next()).rejects.toThrow("gone");
    }));
});
