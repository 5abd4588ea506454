import { appendFile, readFile, rm, truncate } from "node:fs/promises";
import { join } from "node:path";

import { expect, test } from "vitest";

import type { WidePurge } from "../../core/purges.ts";
import type { TestDisk } from "./disk.testing.ts";
import { bodyOf, newFolder, response, startDisk } from "./disk.testing.ts";

async function purge({ purges, store }: TestDisk, target: WidePurge["target"], isSoft = false) {
  purges.add({ target, isSoft });
  await store.purged({ target, isSoft });
}

const put = ({ store, purges }: TestDisk, key: string, tags: string[] = []) =>
  store.put(key, [response(key, { tags, since: purges.last })]);

test("what was purged stays purged after a kill, and what was stored since stays", async () => {
  await using folder = await newFolder();
  const disk = await startDisk(folder.path);
  for (const key of ["/a/1", "/a/2", "/b/1"]) put(disk, key, [key.slice(1, 2)]);
  put(disk, "/c/1", ["c"]);
  await disk.store.settled();
  await purge(disk, { tag: "a" });
  await purge(disk, { prefix: "/b" });
  await purge(disk, { tag: "c" }, true);
  put(disk, "/a/2", ["a"]);
  disk.store.remove("/c/2");
  await disk.store.settled();
  await using killed = await folder.copy();
  await disk[Symbol.asyncDispose]();
  await using again = await startDisk(killed.path);
  expect(again.purges.last).toBe(3);
  const got = await Promise.all(
    ["/a/1", "/a/2", "/b/1", "/c/1"].map((key) => bodyOf(again.store, key)),
  );
  expect(got).toEqual([undefined, "/a/2", undefined, "/c/1"]);
  const [soft] = (await again.store.read("/c/1"))!;
  expect(again.purges.verdict("/c/1", soft!.tags, soft!.since)).toBe("soft");
  expect(again.counts).toMatchObject({ purged: 2 });
});

test.each([
  ["is missing", (path: string) => rm(path)],
  ["has lost its end", async (path: string) => truncate(path, (await readFile(path)).length - 1)],
  ["has half a line more", (path: string) => appendFile(path, "0123")],
  ["is empty", (path: string) => truncate(path, 0)],
])("no segment is used when the journal %s", async (_what, damage) => {
  await using folder = await newFolder();
  const disk = await startDisk(folder.path);
  put(disk, "/a");
  await purge(disk, { tag: "t" });
  await disk[Symbol.asyncDispose]();
  await damage(join(folder.path, "purges.log"));
  await using again = await startDisk(folder.path);
  expect(await bodyOf(again.store, "/a")).toBeUndefined();
  expect(await folder.segments()).toEqual([]);
  put(again, "/a");
  await again.store.settled();
  expect(await bodyOf(again.store, "/a")).toBe("/a");
});

test("a journal is as long as it needs to be, and knows all purges still", async () => {
  await using folder = await newFolder();
  const disk = await startDisk(folder.path);
  put(disk, "/a", ["first"]);
  await disk.store.settled();
  await purge(disk, { tag: "first" });
  for (let at = 0; at < 1_200; at++) {
    disk.purges.add({ target: { tag: `t${at % 3}` }, isSoft: false });
    const done = disk.store.purged({ target: { tag: `t${at % 3}` }, isSoft: false });
    if (at % 100 === 0) await done;
  }
  await disk[Symbol.asyncDispose]();
  const lines = (await readFile(join(folder.path, "purges.log"), "utf8")).split("\n");
  expect(lines.length).toBeLessThan(1_100);
  await using again = await startDisk(folder.path);
  expect(again.purges.last).toBe(1_201);
  expect(await bodyOf(again.store, "/a")).toBeUndefined();
  expect(again.purges.verdict("/b", ["t2"], 1_199)).toBe("gone");
  expect(again.purges.verdict("/b", ["t2"], 1_201)).toBe("alive");
});
