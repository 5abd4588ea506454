import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { simulatedClock } from "@glassline/service/clock/testing";
import fc from "fast-check";
import { expect, test } from "vitest";

import { SEGMENT_BYTES, bodyOf, newFolder, response, startDisk } from "./disk.testing.ts";

const KEYS = Array.from({ length: 8 }, (_, at) => `/live/${at}.m4s`);

/** What was written, in order, and where in which segment it ends. */
interface Written {
  key: string;
  body: string | undefined;
  segment: number;
  end: number;
}

test("what was written and is not cut off comes back exactly, whatever is stored, removed, restarted, killed and cut", async () => {
  const command = fc.record({
    key: fc.constantFrom(...KEYS),
    size: fc.integer({ min: 0, max: 12_000 }),
    what: fc.constantFrom("put", "put", "put", "remove", "restart"),
  });
  const run = fc.asyncProperty(
    fc.array(command, { minLength: 1, maxLength: 25, size: "max" }),
    fc.double({ min: 0, max: 1, noNaN: true }),
    async (commands, share) => {
      await using folder = await newFolder();
      let disk = await startDisk(folder.path);
      const log: Written[] = [];
      for (const [at, { key, size, what }] of commands.entries()) {
        const body = what === "put" ? `${at} ${"x".repeat(size)}` : undefined;
        if (what === "restart") {
          await disk[Symbol.asyncDispose]();
          disk = await startDisk(folder.path);
          await disk.store.recovered;
          continue;
        }
        if (body === undefined) disk.store.remove(key);
        else disk.store.put(key, [response(body)]);
        await disk.store.settled();
        const segments = await folder.segments();
        log.push({ key, body, segment: segments.length, end: segments.at(-1)?.bytes ?? 0 });
      }
      await using killed = await folder.copy();
      await disk[Symbol.asyncDispose]();
      const segments = await killed.segments();
      const cutAt = Math.floor(share * (segments.at(-1)?.bytes ?? 0));
      if (segments.length > 0) await killed.cut(cutAt);
      const isLeft = ({ segment, end }: Written) => segment < segments.length || end <= cutAt;
      await using again = await startDisk(killed.path);
      for (const key of KEYS) {
        const all = log.filter((one) => one.key === key);
        const newest = all.at(-1);
        const left = all.findLast(isLeft);
        const got = await bodyOf(again.store, key);
        // What is known to have been there, and is cut off, is a miss.
        if (newest && newest !== left && got === undefined) continue;
        expect(got).toBe(left?.body);
      }
      // What is written now follows what is whole, and is found without the snapshot.
      again.store.put("/after", [response("after")]);
      await again.store.settled();
      await using anew = await killed.copy();
      await rm(join(anew.path, "index.snapshot"), { force: true });
      await using last = await startDisk(anew.path);
      await last.store.recovered;
      expect(await bodyOf(last.store, "/after")).toBe("after");
    },
  );
  await fc.assert(run, { numRuns: 60 });
}, 120_000);

test("a flipped bit anywhere is a miss at most, never a wrong byte", async () => {
  await using folder = await newFolder();
  const disk = await startDisk(folder.path);
  const bodies = new Map(KEYS.map((key, at) => [key, `${key} ${"y".repeat(300 * at)}`]));
  for (const [key, body] of bodies) disk.store.put(key, [response(body, { tags: ["t"] })]);
  disk.purges.add({ target: { tag: "u" }, isSoft: false });
  await disk.store.purged({ target: { tag: "u" }, isSoft: false });
  await disk[Symbol.asyncDispose]();
  const names = ["00000001.segment", "index.snapshot", "purges.log"];
  let hits = 0;
  const run = fc.asyncProperty(
    fc.constantFrom(...names),
    fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
    fc.integer({ min: 0, max: 7 }),
    async (name, share, bit) => {
      await using damaged = await folder.copy();
      const path = join(damaged.path, name);
      const bytes = await readFile(path);
      const at = Math.floor(share * bytes.length);
      bytes[at]! ^= 1 << bit;
      await writeFile(path, bytes);
      await using again = await startDisk(damaged.path);
      for (const [key, body] of bodies) {
        const got = await bodyOf(again.store, key);
        if (got === undefined) continue;
        expect(got).toBe(body);
        hits++;
      }
    },
  );
  await fc.assert(run, { numRuns: 300 });
  expect(hits).toBeGreaterThan(300);
}, 90_000);

test("without its snapshot, the index is made anew from all segments", async () => {
  await using folder = await newFolder();
  const disk = await startDisk(folder.path);
  for (let at = 0; at < 100; at++) disk.store.put(`/${at}`, [response("z".repeat(2_000) + at)]);
  disk.store.remove("/7");
  await disk[Symbol.asyncDispose]();
  expect((await folder.segments()).length).toBeGreaterThan(2);
  await writeFile(join(folder.path, "index.snapshot"), "rubbish");
  await using again = await startDisk(folder.path);
  await again.store.recovered;
  expect(again.store.objects).toBe(99);
  expect(await bodyOf(again.store, "/99")).toBe(`${"z".repeat(2_000)}99`);
  expect(await bodyOf(again.store, "/7")).toBeUndefined();
});

test("all of a response comes back: status, fields, variants, policy, part, tags, and its age", async () => {
  await using folder = await newFolder();
  const clock = simulatedClock();
  const policy = { ...response("").policy, staleIfErrorMs: 5, mustRevalidate: true };
  const part = { first: 2, last: 4, total: undefined };
  const selecting = new Map([
    ["accept", "a"],
    ["x", undefined],
  ]);
  const variants = [
    response("one", { status: 404, bornMs: -500, tags: ["a", "b"], policy }),
    response("", { selecting, bornMs: 0 }),
    response("two", { part, bornMs: 10 }),
  ];
  const disk = await startDisk(folder.path, { clock });
  disk.store.put("/a?é=1", variants);
  await disk.store.settled();
  await disk[Symbol.asyncDispose]();
  await clock.advance(60_000);
  await using again = await startDisk(folder.path, { clock });
  await again.store.recovered;
  expect(await again.store.read("/a?é=1")).toEqual(variants);
});

test("a clock that has gone back makes nothing younger than it was", async () => {
  await using folder = await newFolder();
  const before = simulatedClock(Date.UTC(2026, 0, 2));
  const disk = await startDisk(folder.path, { clock: before });
  disk.store.put("/a", [response("a", { bornMs: -7_000 })]);
  await disk[Symbol.asyncDispose]();
  const back = simulatedClock(Date.UTC(2026, 0, 1));
  await using again = await startDisk(folder.path, { clock: back });
  await again.store.recovered;
  const [variant] = (await again.store.read("/a"))!;
  expect(back.monotonicMs() - variant!.bornMs).toBe(7_000);
});

test("never takes more than it may; what is asked for stays, also what memory is asked for", async () => {
  await using folder = await newFolder();
  const maxBytes = 6 * SEGMENT_BYTES;
  const hotKeys = () => ["/hot"];
  await using disk = await startDisk(folder.path, { maxBytes, hotKeys });
  const { store } = disk;
  for (const key of ["/asked", "/hot", "/cold"]) store.put(key, [response(key)]);
  await store.settled();
  for (let at = 0; at < 600; at++) {
    store.put(`/${at}`, [response("w".repeat(2_000) + at)]);
    if (at % 10 !== 0) continue;
    await store.settled();
    expect(store.bytes).toBeLessThanOrEqual(maxBytes);
    expect(await bodyOf(store, "/asked")).toBe("/asked");
  }
  expect(await bodyOf(store, "/hot")).toBe("/hot");
  expect(await bodyOf(store, "/cold")).toBeUndefined();
  expect(await bodyOf(store, "/599")).toBe(`${"w".repeat(2_000)}599`);
  expect(store.objects).toBeLessThan(250);
  const onDisk = (await folder.segments()).reduce((sum, { bytes }) => sum + bytes, 0);
  expect(onDisk).toBe(store.bytes);
});

test("what is too large for a segment is dropped, and what it replaces too", async () => {
  await using folder = await newFolder();
  await using disk = await startDisk(folder.path);
  disk.store.put("/a", [response("small")]);
  await disk.store.settled();
  disk.store.put("/a", [response(Buffer.alloc(SEGMENT_BYTES))]);
  expect(disk.counts["too_large"]).toBe(1);
  expect(await bodyOf(disk.store, "/a")).toBeUndefined();
});

test("a folder belongs to one edge at a time", async () => {
  await using folder = await newFolder();
  await using disk = await startDisk(folder.path);
  await expect(startDisk(folder.path)).rejects.toThrow(
    /^--disk: .* is used by another edge that runs\. Stop that one/,
  );
  expect(disk.store.objects).toBe(0);
  await expect(startDisk("/proc/nowhere")).rejects.toThrow(/^--disk: cannot write to/);
});
