import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFile, mkdtemp, open, readdir, rm, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { scanSegment } from "./record.ts";
import type { SegmentLogOptions } from "./segment-log.ts";
import { SegmentLog } from "./segment-log.ts";

let directory: string;
beforeEach(async () => void (directory = await mkdtemp(join(tmpdir(), "glassline-log-"))));
afterEach(() => rm(directory, { recursive: true, force: true }));

const options = (more: Partial<SegmentLogOptions> = {}): SegmentLogOptions => ({
  directory,
  segmentMaxBytes: 1_000,
  maxBytes: 100_000,
  recordMaxBytes: 500,
  whenFull: "refuse",
  ...more,
});

const record = (number: number) => Buffer.from(`record ${number} ${"x".repeat(40)}`);
const segmentNames = async () =>
  (await readdir(directory)).filter((name) => name.endsWith(".seg")).toSorted();

async function readAll(log: SegmentLog, from = 1): Promise<[number, string | undefined][]> {
  const records: [number, string | undefined][] = [];
  for await (const { index, payload } of log.read(from))
    records.push([index, payload && Buffer.from(payload).toString()]);
  return records;
}

async function filled(count: number, more: Partial<SegmentLogOptions> = {}): Promise<SegmentLog> {
  const log = await SegmentLog.open(options(more));
  for (let number = 1; number <= count; number++)
    expect(await log.append(record(number))).toBe(number);
  return log;
}

describe("SegmentLog", () => {
  test("that is too busy for a record takes none behind it, until all that waits is on the disk", async () => {
    const mebibytes = (count: number) => Buffer.alloc(count * 2 ** 20);
    const large = { recordMaxBytes: 2 ** 25, segmentMaxBytes: 2 ** 28, maxBytes: 2 ** 29 };
    await using log = await SegmentLog.open(options(large));
    const results = await Promise.allSettled(
      [30, 30, 10, 1].map((count) => log.append(mebibytes(count))),
    );
    expect(results.map(({ status }) => status)).toEqual([
      "fulfilled",
      "fulfilled",
      "rejected",
      "rejected",
    ]);
    expect(await log.append(mebibytes(1))).toBe(3);
  });

  test("gives back what was appended, in order, over many segments and a restart", async () => {
    await (await filled(100))[Symbol.asyncDispose]();
    expect((await segmentNames()).length).toBeGreaterThan(3);
    await using log = await SegmentLog.open(options());
    expect(log.findings).toEqual([]);
    expect(log.nextIndex).toBe(101);
    expect(await readAll(log)).toEqual(
      Array.from({ length: 100 }, (_, at) => [at + 1, record(at + 1).toString()]),
    );
    expect((await readAll(log, 97)).map(([index]) => index)).toEqual([97, 98, 99, 100]);
  });

  test("records of one moment are written together, small ones and large ones, and empty ones", async () => {
    const large = { recordMaxBytes: 2 ** 25, segmentMaxBytes: 2 ** 28, maxBytes: 2 ** 29 };
    const sizes = [0, 1, 16_384, 16_385, 3, 0, 40_000, 40_001, 7];
    const payloads = sizes.map((size, at) => Buffer.alloc(size, at + 1));
    {
      await using log = await SegmentLog.open(options(large));
      await Promise.all(payloads.map((payload) => log.append(payload)));
    }
    await using log = await SegmentLog.open(options(large));
    expect(log.findings).toEqual([]);
    const read: (Uint8Array | undefined)[] = [];
    for await (const { payload } of log.read(1)) read.push(payload);
    expect(read).toEqual(payloads);
  });

  test("appends of the same moment get indexes in their order", async () => {
    await using log = await SegmentLog.open(options());
    const indexes = await Promise.all(
      Array.from({ length: 50 }, (_, at) => log.append(record(at))),
    );
    expect(indexes).toEqual(Array.from({ length: 50 }, (_, at) => at + 1));
  });

  test("cuts a torn tail at start, reports it, and goes on where it ends", async () => {
    await (await filled(10))[Symbol.asyncDispose]();
    const last = join(directory, (await segmentNames()).at(-1)!);
    await appendFile(last, Buffer.from([200, 0, 0, 0, 1, 2, 3, 4, 5]));
    await using log = await SegmentLog.open(options());
    expect(log.findings).toHaveLength(1);
    expect(log.findings[0]).toContain("torn tail: cut 9 bytes");
    // The tail may have been a record that somebody saw: its number is not given again.
    expect(await log.append(record(11))).toBe(12);
    const texts = (await readAll(log)).map(([, text]) => text);
    expect(texts).toEqual([
      ...Array.from({ length: 10 }, (_, at) => record(at + 1).toString()),
      undefined,
      record(11).toString(),
    ]);
  });

  test("what is written behind the largest torn tail is there at the next start", async () => {
    await (await filled(10))[Symbol.asyncDispose]();
    const last = join(directory, (await segmentNames()).at(-1)!);
    // As much as may wait for the disk.
    await appendFile(last, Buffer.alloc(67_108_864, 0xff));
    const later = [11, 12, 13].map(record);
    {
      await using log = await SegmentLog.open(options());
      for (const payload of later) await log.append(payload);
    }
    await using log = await SegmentLog.open(options());
    expect(log.findings).toEqual([]);
    const kept: string[] = [];
    for await (const { payload } of log.read(11))
      if (payload) kept.push(Buffer.from(payload).toString());
    expect(kept).toEqual(later.map(String));
  });

  test("a cut at any byte loses at most the records behind it", async () => {
    await (await filled(10))[Symbol.asyncDispose]();
    const last = join(directory, (await segmentNames()).at(-1)!);
    for (let cut = 0; cut < 12; cut++) {
      const handle = await open(last);
      const { size } = await handle.stat();
      await handle.close();
      await truncate(last, Math.max(0, size - 7));
      await using log = await SegmentLog.open(options());
      const records = (await readAll(log)).filter(([, text]) => text !== undefined);
      expect(records).toEqual(records.map((_, at) => [at + 1, record(at + 1).toString()]));
    }
  });

  test("a rotten record in a closed segment is a hole, not the end", async () => {
    await (await filled(60))[Symbol.asyncDispose]();
    const first = await open(join(directory, (await segmentNames())[0]!), "r+");
    await first.write(Buffer.from([0xff]), 0, 1, 100);
    await first.close();
    await using log = await SegmentLog.open(options());
    const records = await readAll(log);
    expect(records.map(([index]) => index)).toEqual(Array.from({ length: 60 }, (_, at) => at + 1));
    expect(records.filter(([, payload]) => payload === undefined).length).toBeGreaterThan(0);
    expect(records.at(-1)).toEqual([60, record(60).toString()]);
  });

  test("a rotten record before true ones costs that record only, also in the last segment", async () => {
    await (await filled(10, { segmentMaxBytes: 100_000 }))[Symbol.asyncDispose]();
    const path = join(directory, (await segmentNames()).at(-1)!);
    for (const at of [30, 110]) {
      const file = await open(path, "r+");
      await file.write(Buffer.from([0xff]), 0, 1, at);
      await file.close();
    }
    await using log = await SegmentLog.open(options());
    expect(log.findings.join()).toContain("130 damaged bytes at byte 8");
    const records = await readAll(log);
    expect(records.map(([index]) => index)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(records.filter(([, text]) => text === undefined).map(([index]) => index)).toEqual([
      1, 2,
    ]);
    expect(await log.append(record(11))).toBe(11);
  });

  test("rolls between records, never under them", async () => {
    await using log = await SegmentLog.open(
      options({ checkpoint: () => Buffer.from("checkpoint") }),
    );
    const appended: Promise<[number, string]>[] = [];
    for (let number = 0; number < 100; number++) {
      appended.push(log.append(record(number)).then((index) => [index, record(number).toString()]));
      if (number % 7 === 0) void log.roll();
      if (number % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    }
    const records = new Map(await readAll(log, 1));
    await log.roll();
    const all = new Map(await readAll(log, 1));
    for (const [index, text] of await Promise.all(appended)) expect(all.get(index)).toBe(text);
    expect(all.size).toBeGreaterThanOrEqual(records.size);
  });

  test("a disk that takes a part of a write refuses the whole, and goes on when there is room", async () => {
    // The shell's limit on the size of files stands for a full disk: 100 blocks of 1,024 bytes.
    const program = `
      import { SegmentLog } from ${JSON.stringify(new URL("./segment-log.ts", import.meta.url).href)};
      process.on("SIGXFSZ", () => {});
      const log = await SegmentLog.open(${JSON.stringify(options({ maxBytes: 50_000_000, segmentMaxBytes: 300_000, recordMaxBytes: 50_000 }))});
      for (let number = 1; number <= 12; number++) {
        const told = await log.append(Buffer.alloc(30_000, number)).catch((error) => error.reason);
        console.log(told);
      }
      await log.roll();
      console.log(await log.append(Buffer.alloc(30_000, 99)));
      await log[Symbol.asyncDispose]();`;
    const child = spawn(
      "bash",
      ["-c", `ulimit -f 100; exec "$0" --input-type=module -e "$1"`, process.execPath, program],
      {
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
    await once(child, "close");
    const told = output.trim().split("\n");
    expect(told).toContain("disk");
    const acknowledged = told.filter((line) => /^\d+$/.test(line)).map(Number);
    await using log = await SegmentLog.open(
      options({ maxBytes: 50_000_000, recordMaxBytes: 50_000 }),
    );
    const records = new Map<number, Uint8Array | undefined>();
    for await (const { index, payload } of log.read(1)) records.set(index, payload);
    expect(acknowledged.length).toBeGreaterThan(3);
    for (const index of acknowledged) expect(records.get(index)?.length).toBe(30_000);
  });

  test("refuses when full, and takes again when the oldest were dropped", async () => {
    await using log = await SegmentLog.open(options({ maxBytes: 5_000 }));
    const results = await Promise.allSettled(
      Array.from({ length: 120 }, (_, at) => log.append(record(at))),
    );
    const refused = results.filter((result) => result.status === "rejected");
    expect(refused.length).toBeGreaterThan(0);
    expect(refused[0]).toMatchObject({ reason: { name: "LogRefusal", reason: "full" } });
    await log.roll();
    await log.dropBefore(log.nextIndex);
    const expected = log.nextIndex;
    expect(await log.append(record(0))).toBe(expected);
  });

  test("drops the oldest when told so, and never grows beyond its bound", async () => {
    await using log = await filled(300, { maxBytes: 5_000, whenFull: "drop-oldest" });
    expect(log.bytes).toBeLessThanOrEqual(5_000);
    expect(log.firstIndex).toBeGreaterThan(1);
    expect((await readAll(log)).at(-1)![0]).toBe(300);
  });

  test("begins every segment but the first with a checkpoint", async () => {
    let stored = 0;
    await using log = await SegmentLog.open(
      options({ checkpoint: () => Buffer.from(`checkpoint ${stored}`) }),
    );
    for (; stored < 60; stored++) await log.append(record(stored));
    const firsts = log.segments.slice(1).map(({ firstIndex }) => firstIndex);
    const records = new Map(await readAll(log));
    expect(firsts.length).toBeGreaterThan(2);
    for (const index of firsts) expect(records.get(index)).toMatch(/^checkpoint \d+$/);
    expect([...records.values()].filter((text) => text?.startsWith("record"))).toHaveLength(60);
  });

  test("refuses a record that is too large and a second opener", async () => {
    await using log = await SegmentLog.open(options());
    await expect(log.append(Buffer.alloc(501))).rejects.toMatchObject({ reason: "too-large" });
    await expect(SegmentLog.open(options())).rejects.toThrow(
      /another process has this folder open/,
    );
    expect(await log.append(record(1))).toBe(1);
  });

  test("keeps its numbers when everything was dropped", async () => {
    const log = await filled(30);
    await log.roll();
    await log.dropBefore(log.nextIndex);
    await log[Symbol.asyncDispose]();
    await using again = await SegmentLog.open(options());
    expect(await again.append(record(31))).toBe(31);
  });

  test("holds every acknowledged record after SIGKILL, and its lock is free", async () => {
    const program = `
      import { SegmentLog } from ${JSON.stringify(new URL("./segment-log.ts", import.meta.url).href)};
      const log = await SegmentLog.open(${JSON.stringify(options({ maxBytes: 50_000_000, segmentMaxBytes: 100_000 }))});
      for (let number = 1; ; number++) console.log(await log.append(Buffer.from("record " + number)));`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let acknowledged = 0;
    child.stdout.on("data", (chunk: Buffer) => {
      acknowledged = Number(chunk.toString().trimEnd().split("\n").at(-1));
      if (acknowledged > 500) child.kill("SIGKILL");
    });
    await once(child, "close");
    await using log = await SegmentLog.open(options({ maxBytes: 50_000_000 }));
    expect(acknowledged).toBeGreaterThan(500);
    expect(log.nextIndex).toBeGreaterThan(acknowledged);
    expect((await readAll(log)).every(([index, payload]) => payload === `record ${index}`)).toBe(
      true,
    );
  });
});

test("scanning any bytes ends, in bounds, without a throw", () => {
  const header = Buffer.from("GLSEGM2\n");
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), fc.boolean(), (bytes, withHeader) => {
      const all = withHeader ? Buffer.concat([header, bytes]) : Buffer.from(bytes);
      const scan = scanSegment(all, 100);
      expect(scan.goodBytes).toBeLessThanOrEqual(all.length);
      if (scan.damage === undefined && all.length > 0) expect(scan.goodBytes).toBe(all.length);
    }),
  );
});

describe("the tail in memory", () => {
  const tailed = { tailMaxBytes: 500, whenFull: "drop-oldest", maxBytes: 4_000 } as const;

  test("changes nothing of what is read, wherever the reading begins", async () => {
    await using log = await filled(50, tailed);
    const expected = Array.from({ length: 50 }, (_, at) => [at + 1, record(at + 1).toString()]);
    expect(log.firstIndex).toBeGreaterThan(1);
    for (let from = 1; from <= 51; from++)
      expect(await readAll(log, from)).toEqual(expected.slice(Math.max(from, log.firstIndex) - 1));
    expect((await Array.fromAsync(log.read(40, 45))).map(({ index }) => index)).toEqual([
      40, 41, 42, 43, 44,
    ]);
  });

  test("is read without the disk", async () => {
    await using log = await filled(20, { tailMaxBytes: 500 });
    for (const { path } of log.segments) await rm(path);
    expect(await readAll(log, 18)).toEqual(
      [18, 19, 20].map((number) => [number, record(number).toString()]),
    );
    expect((await readAll(log, 1)).filter(([, payload]) => payload === undefined)).not.toEqual([]);
  });

  test("holds checkpoints, and nothing of what was dropped", async () => {
    await using log = await SegmentLog.open(
      options({ tailMaxBytes: 10_000, checkpoint: () => Buffer.from("checkpoint") }),
    );
    for (let number = 0; number < 40; number++) await log.append(record(number));
    const payloads = (await readAll(log)).map(([, payload]) => payload);
    expect(payloads.filter((payload) => payload === "checkpoint")).toHaveLength(
      log.segments.length - 1,
    );
    await log.dropBefore(30);
    expect((await readAll(log))[0]![0]).toBe(log.firstIndex);
  });
});

describe("waiting for a record", () => {
  test("ends when it is durable", async () => {
    await using log = await filled(3);
    await log.reached(3);
    let isReached = false;
    const reached = log.reached(5).then(() => (isReached = true));
    await log.append(record(4));
    expect(isReached).toBe(false);
    await log.append(record(5));
    await reached;
  });

  test("ends when it is aborted, or when the log is closed", async () => {
    const log = await filled(1);
    const stop = new AbortController();
    const aborted = expect(log.reached(9, stop.signal)).rejects.toThrow("enough");
    const closed = expect(log.reached(9)).rejects.toThrow(/closed/);
    stop.abort(new Error("enough"));
    await aborted;
    await log[Symbol.asyncDispose]();
    await closed;
    await expect(log.reached(1)).rejects.toThrow(/closed/);
  });
});
