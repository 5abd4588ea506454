/** What any telemetry log promises; every adapter's test calls it. */
import { spawn } from "node:child_process";
import { once } from "node:events";

import type { LogRecord } from "@glassline/proto/storage";
import { describe, expect, test } from "vitest";

import { openRecordSource } from "./record-source.ts";
import type { MakeCheckpoint, Retention, TelemetryLog } from "./telemetry-log.ts";
import { numberIn, numbered } from "./telemetry-log.testing.ts";

/** A place for one log, as long as a test lasts. */
export interface LogPlace extends AsyncDisposable {
  open(retention: Retention, checkpoint: MakeCheckpoint): Promise<TelemetryLog>;
  /** A program's text: opens the log as `log`. It is run where this file lies. */
  program: string;
  /** From here on nothing can be stored, until it is told to be over. */
  fail(): Promise<{ over: () => Promise<void> }>;
}

const RETENTION: Retention = { segmentMaxBytes: 20_000, maxBytes: 1_000_000 };
const BIG: Retention = { segmentMaxBytes: 1_000_000, maxBytes: 40_000_000 };
const RECORD_BYTES = 1_000;

const readAll = (log: TelemetryLog, from = 1, to?: number) =>
  Array.fromAsync(log.read(from, to), ({ index, record }) => ({ index, is: numberIn(record) }));

const numbersIn = async (log: TelemetryLog, from = 1, to?: number) =>
  (await readAll(log, from, to)).map(({ is }) => is).filter((is) => typeof is === "number");

const upTo = (count: number) => Array.from({ length: count }, (_, at) => at + 1);

/** Ten records at a time. */
async function fill(log: TelemetryLog, count: number): Promise<number[]> {
  const indexes: number[] = [];
  for (let first = 1; first <= count; first += 10) {
    const numbers = upTo(Math.min(10, count + 1 - first)).map((at) => first + at - 1);
    indexes.push(...(await Promise.all(numbers.map((number) => log.append(numbered(number))))));
  }
  return indexes;
}

/** Appends until it is refused. */
async function refusalOf(log: TelemetryLog): Promise<unknown> {
  for (;;) {
    try {
      await log.append(numbered(0));
    } catch (error) {
      return error;
    }
  }
}

/** @param isRefusable whether `fail` works on this machine; a test is skipped visibly where it does not. */
export function telemetryLogContract(
  name: string,
  makePlace: () => Promise<LogPlace>,
  isRefusable = true,
): void {
  const withLog = async (
    work: (log: TelemetryLog, place: LogPlace) => Promise<void>,
    retention = RETENTION,
    checkpoint: MakeCheckpoint = () => ({}),
  ) => {
    await using place = await makePlace();
    await using log = await place.open(retention, checkpoint);
    await work(log, place);
  };

  describe(`${name} keeps the contract of a telemetry log`, () => {
    test("keeps the order of appends, under way together, over many segments", () =>
      withLog(async (log) => {
        const indexes = await fill(log, 200);
        expect(indexes).toEqual(indexes.toSorted((a, b) => a - b));
        expect(await numbersIn(log)).toEqual(upTo(200));
        expect(log.segments.length).toBeGreaterThan(5);
        expect(log.bytes).toBeGreaterThan(200 * RECORD_BYTES);
        expect(log.bytes).toBeLessThan(300 * RECORD_BYTES);
      }));

    test("has what it acknowledged, and the same segments, when it is opened again", async () => {
      await using place = await makePlace();
      const first = await place.open(RETENTION, () => ({}));
      const indexes = await fill(first, 100);
      const segments = first.segments.map(({ firstIndex }) => firstIndex);
      const { bytes } = first;
      await first[Symbol.asyncDispose]();
      await using log = await place.open(RETENTION, () => ({}));
      expect(log.segments.map(({ firstIndex }) => firstIndex)).toEqual(segments);
      expect(Math.abs(log.bytes - bytes)).toBeLessThan(1_000);
      expect(await numbersIn(log)).toEqual(upTo(100));
      expect(await log.append(numbered(101))).toBeGreaterThan(indexes.at(-1)!);
    });

    test("reads ranges: from an index on, before another", () =>
      withLog(async (log) => {
        const indexes = await fill(log, 60);
        expect(await numbersIn(log, indexes[49])).toEqual(upTo(60).slice(49));
        expect(await numbersIn(log, indexes[9], indexes[19])).toEqual(upTo(60).slice(9, 19));
        expect(await numbersIn(log, indexes[59]! + 1)).toEqual([]);
      }));

    test("tells those who follow it of records that come, and of its end", () =>
      withLog(async (log) => {
        expect(log.nextIndex).toBeGreaterThanOrEqual(log.firstIndex);
        const coming = log.reached(log.nextIndex);
        const index = await log.append(numbered(1));
        await coming;
        expect(log.nextIndex).toBeGreaterThan(index);
        await log.reached(index);
        const waiting = log.reached(log.nextIndex + 9, AbortSignal.timeout(20));
        await expect(waiting).rejects.toMatchObject({ name: "TimeoutError" });
        const late = expect(log.reached(log.nextIndex + 9)).rejects.toMatchObject({
          reason: "closed",
        });
        await log[Symbol.asyncDispose]();
        await late;
      }));

    test("keeps records of any size up to 16 MiB whole", () =>
      withLog(async (log) => {
        const sizes = [4, 262_143, 262_145, 1_100_000, 9_000_000];
        await Promise.all(sizes.map((size, at) => log.append(numbered(at, size))));
        const found = await Array.fromAsync(log.read(1), ({ record: { record } }) =>
          record.case === "otlpLogs" ? record.value.length : -1,
        );
        expect(found.filter((length) => length >= 0)).toEqual(sizes);
        const tooLarge = log.append(numbered(0, 17_000_000));
        await expect(tooLarge).rejects.toMatchObject({ name: "LogRefusal", reason: "too-large" });
      }, BIG));

    test("begins each segment but the first with a checkpoint of all that is durable", async () => {
      let acknowledged = 0;
      const checkpoint = () => ({
        producers: [
          { producer: "p", incarnation: Buffer.alloc(16), durableSeq: BigInt(acknowledged) },
        ],
      });
      await withLog(
        async (log) => {
          const append = async (number: number) => {
            await log.append(numbered(number));
            acknowledged = number;
          };
          await Promise.all(upTo(30).map(append));
          await Promise.all([31, 32, 33].map(append));
          await log.roll();
          const { firstIndex } = log.segments.at(-1)!;
          const records = await Array.fromAsync(log.read(firstIndex), ({ record }) => record);
          expect(records.map(numberIn)).toEqual(["checkpoint"]);
          await append(34);
          const heads = await Promise.all(
            log.segments.slice(1).map(async ({ firstIndex }) => {
              const before = (await readAll(log, 1, firstIndex)).filter(
                ({ is }) => typeof is === "number",
              );
              for await (const { record } of log.read(firstIndex))
                return [numberIn(record), marksOf(record), before.length];
              return [];
            }),
          );
          expect(heads.length).toBeGreaterThan(1);
          for (const [kind, mark, before] of heads) {
            expect(kind).toBe("checkpoint");
            expect(mark).toBe(before);
          }
        },
        RETENTION,
        checkpoint,
      );
    });

    test("lets the oldest segments go when it reaches its size, and counts them", async () => {
      const dropped: string[] = [];
      const retention = {
        segmentMaxBytes: 10_000,
        maxBytes: 60_000,
        onDropped: (reason: string) => void dropped.push(reason),
      };
      await using place = await makePlace();
      const log = await place.open(retention, () => ({}));
      for (let number = 1; number <= 150; number++) await log.append(numbered(number));
      expect(log.bytes).toBeLessThan(70_000);
      expect(new Set(dropped)).toEqual(new Set(["size"]));
      const kept = await numbersIn(log);
      expect(kept).toEqual(upTo(150).slice(-kept.length));
      expect(kept.length).toBeLessThan(70);
      await log[Symbol.asyncDispose]();
      await using again = await place.open(retention, () => ({}));
      expect(await numbersIn(again)).toEqual(kept);
    });

    test("lets closed segments go that are older than a moment, and no younger ones", async () => {
      const dropped: string[] = [];
      const onDropped = (reason: string) => void dropped.push(reason);
      await withLog(
        async (log) => {
          await fill(log, 20);
          await log.roll();
          await new Promise((resolve) => setTimeout(resolve, 100));
          const moment = Date.now();
          await new Promise((resolve) => setTimeout(resolve, 100));
          await log.append(numbered(21));
          await log.roll();
          await log.append(numbered(22));
          await log.dropOlderThan(moment - 3_600_000);
          expect(await numbersIn(log)).toEqual(upTo(22));
          await log.dropOlderThan(moment);
          expect(await numbersIn(log)).toEqual([21, 22]);
          await log.dropOlderThan(Date.now() + 3_600_000);
          expect(await numbersIn(log)).toEqual([22]);
          expect(dropped.length).toBeGreaterThan(1);
          expect(new Set(dropped)).toEqual(new Set(["age"]));
        },
        { ...RETENTION, onDropped },
      );
    });

    test("another thread reads the same records by segment, and is told of those that are gone", () =>
      withLog(async (log) => {
        await fill(log, 60);
        await log.roll();
        await using source = await openRecordSource(structuredClone(log.origin));
        const ranges = log.segments.slice(0, -1).map(({ firstIndex }, at) => ({
          fromIndex: firstIndex,
          toIndex: log.segments[at + 1]!.firstIndex,
        }));
        const counts = await Promise.all(
          ranges.map(async (range) => (await source.payloads(range))!.length),
        );
        // Each but the first begins with a checkpoint.
        expect(counts.reduce((sum, count) => sum + count)).toBe(60 + ranges.length - 1);
        await log.dropOlderThan(Date.now() + 3_600_000);
        expect(await source.payloads(ranges[0]!)).toBeUndefined();
      }));

    test.skipIf(!isRefusable)(
      "refuses while nothing can be stored, and takes records again by itself: no hole, no refused one",
      () =>
        withLog(async (log, place) => {
          await fill(log, 30);
          const failure = await place.fail();
          const results = await Promise.allSettled(
            upTo(50).map((number) => log.append(numbered(1_000 + number))),
          );
          const isStored = results.map(({ status }) => status === "fulfilled");
          expect(isStored.slice(isStored.indexOf(false))).not.toContain(true);
          const refusal = await refusalOf(log);
          expect(refusal).toMatchObject({ name: "LogRefusal" });
          expect(["unavailable", "disk"]).toContain((refusal as { reason: string }).reason);
          await failure.over();
          await expect
            .poll(() => log.append(numbered(31)).catch(() => 0), { timeout: 30_000 })
            .toBeGreaterThan(0);
          const stored = upTo(50).filter((_, at) => isStored[at]);
          const all = (await numbersIn(log)).filter((number) => number !== 0);
          expect(all).toEqual([...upTo(30), ...stored.map((number) => 1_000 + number), 31]);
        }),
    );

    test("has every acknowledged record after SIGKILL, and can be opened at once", async () => {
      await using place = await makePlace();
      const text = `import { numbered } from "./telemetry-log.testing.ts";
        ${place.program}
        for (let number = 1; ; number++)
          void log.append(numbered(number)).then(() => console.log(number)),
          number % 50 === 0 && await new Promise((resolve) => setTimeout(resolve, 5));`;
      const acknowledged = await runUntilKilled(text, 500);
      await using log = await place.open(RETENTION, () => ({}));
      const found = await numbersIn(log);
      expect(found.length).toBeGreaterThanOrEqual(acknowledged);
      expect(found).toEqual(upTo(found.length));
    });

    test(
      "refuses a second opener",
      () =>
        withLog(async (log, place) => {
          await expect(place.open(RETENTION, () => ({}))).rejects.toThrow(/another/);
          await log.append(numbered(1));
        }),
      90_000,
    );

    test("closes when all is stored, and refuses then", async () => {
      await using place = await makePlace();
      const log = await place.open(RETENTION, () => ({}));
      const appended = Promise.all(upTo(50).map((number) => log.append(numbered(number))));
      await log[Symbol.asyncDispose]();
      expect(await appended).toHaveLength(50);
      await expect(log.append(numbered(1))).rejects.toMatchObject({ reason: "closed" });
    });
  });
}

function marksOf({ record }: LogRecord): number {
  return record.case === "checkpoint" ? Number(record.value.producers[0]!.durableSeq) : -1;
}

/** @returns the greatest number that it printed. */
async function runUntilKilled(program: string, atLeast: number): Promise<number> {
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
    cwd: import.meta.dirname,
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  let isKilled = false;
  child.stdout.on("data", (chunk: Buffer) => {
    text += chunk.toString();
    if (!isKilled && text.split("\n").length > atLeast) isKilled = child.kill("SIGKILL");
  });
  await once(child, "close");
  expect(isKilled).toBe(true);
  return Math.max(...text.split("\n").slice(0, -1).map(Number));
}
