import { expect, test } from "vitest";

import type { Folder } from "./disk/disk.testing.ts";
import { bodyOf, newFolder, response, startDisk } from "./disk/disk.testing.ts";
import { MemoryStore } from "./memory-store.ts";
import type { StoredResponse } from "./store.ts";
import { TieredStore } from "./tiered-store.ts";

const MEMORY_BYTES = 20_000;

async function startTiers(folder: Folder) {
  const disk = await startDisk(folder.path);
  const { purges } = disk;
  await disk.store.recovered;
  let nowMs = performance.now();
  const memory = new MemoryStore(MEMORY_BYTES, { purges, nowMs: () => nowMs });
  const store = new TieredStore(memory, disk.store, () => nowMs);
  return {
    store,
    memory,
    disk,
    purges,
    pass: (lengthMs: number) => (nowMs += lengthMs),
    now: () => nowMs,
    [Symbol.asyncDispose]: () => disk[Symbol.asyncDispose](),
  };
}

const textOf = (variants: readonly StoredResponse[]) =>
  variants.map(({ body }) => body.toString().trim());

test("what has left memory is brought back from disk, with all its variants in order; once for all who wait", async () => {
  await using folder = await newFolder();
  await using tiers = await startTiers(folder);
  const { store, memory, disk } = tiers;
  const selecting = new Map([["accept", "b"]]);
  store.set("/a", response("a".padEnd(2_000)));
  store.set("/a", response("b".padEnd(2_000), { selecting }));
  for (let at = 0; at < 20; at++) store.set(`/${at}`, response("x".repeat(3_000)));
  expect(memory.peek("/a")).toBeUndefined();
  await store.settled!();
  const [one, two] = [store.load!("/a"), store.load!("/a")];
  expect(one).toBe(two);
  await one;
  expect(textOf(store.get("/a"))).toEqual(["b", "a"]);
  expect(store.load!("/a")).toBeUndefined();
  expect(store.load!("/none")).toBeUndefined();
  expect(disk.counts).toEqual({ hit: 1, absent: 1 });
});

test("what is removed, softened or replaced while it is read is not what it was", async () => {
  await using folder = await newFolder();
  await using tiers = await startTiers(folder);
  const { store, memory, disk, purges } = tiers;
  const keys = ["/removed", "/softened", "/replaced", "/purged"];
  for (const key of keys) store.set(key, response(key, { tags: [key] }));
  await store.settled!();
  for (const key of keys) memory.remove(key);
  const loads = keys.map((key) => store.load!(key));
  expect(store.remove("/removed").objects).toBe(1);
  store.soften("/softened");
  store.set("/replaced", response("new"));
  purges.add({ target: { tag: "/purged" }, isSoft: false });
  await store.purged({ target: { tag: "/purged" }, isSoft: false });
  await Promise.all(loads);
  expect(keys.map((key) => textOf(store.get(key)))).toEqual([[], [], ["new"], []]);
  await store.settled!();
  expect(await bodyOf(disk.store, "/removed")).toBeUndefined();
  expect(await bodyOf(disk.store, "/replaced")).toBe("new");
});

test("what is not for the disk takes away what is there", async () => {
  await using folder = await newFolder();
  await using tiers = await startTiers(folder);
  const { store, disk } = tiers;
  store.set("/a", response("a"));
  const { policy } = response("");
  store.set("/a", response("new", { policy: { ...policy, noCache: true } }));
  expect(await bodyOf(disk.store, "/a")).toBeUndefined();
  store.set("/huge", response("small"));
  expect(store.set("/huge", response(Buffer.alloc(2 * MEMORY_BYTES)))).toBe(false);
  expect(await bodyOf(disk.store, "/huge")).toBeUndefined();
});

test("softly purged, it stays on disk, and is stale after a restart too", async () => {
  await using folder = await newFolder();
  {
    await using tiers = await startTiers(folder);
    tiers.store.set("/a", response("a", { bornMs: tiers.now() }));
    tiers.pass(1_000);
    expect(tiers.store.soften("/a").objects).toBe(1);
  }
  await using again = await startTiers(folder);
  await again.store.load!("/a");
  const [stale] = again.store.get("/a");
  expect(stale?.policy.lifetimeMs).toBeCloseTo(1_000, 3);
});

test("renewals that move nothing but times are written once in half a lifetime", async () => {
  await using folder = await newFolder();
  await using tiers = await startTiers(folder);
  const { store, disk } = tiers;
  const policy = { ...response("").policy, lifetimeMs: 60_000 };
  const writes = async () => {
    await store.settled!();
    return disk.store.bytes;
  };
  store.set("/a", response("a", { policy, bornMs: tiers.now() }));
  const first = store.get("/a")[0]!;
  const once = await writes();
  const renewed = async (afterMs: number) => {
    store.set("/a", { ...first, bornMs: first.bornMs + afterMs });
    return (await writes()) > once;
  };
  expect(await renewed(10_000)).toBe(false);
  expect(await renewed(29_000)).toBe(false);
  expect(await renewed(31_000)).toBe(true);
});
