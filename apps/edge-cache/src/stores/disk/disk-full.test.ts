import { access } from "node:fs/promises";
import { join } from "node:path";

import { simulatedClock } from "@glassline/service/clock/testing";
import { mayMount, smallDisk } from "@glassline/segment-log/small-disk/testing";
import { expect, test } from "vitest";

import { bodyOf, response, startDisk } from "./disk.testing.ts";

const DISK_BYTES = 1_048_576;
/** Too long for what is left of a page. */
const KEYS = [1, 2, 3].map((at) => `/${"k".repeat(4_000)}${at}`);
const body = (text: string) => response(text.padEnd(20_000));

test.skipIf(!mayMount)(
  "a full disk only stops storing: what is there is served, and when there is room, storing goes on",
  async () => {
    await using small = await smallDisk(DISK_BYTES);
    const clock = simulatedClock();
    await using disk = await startDisk(small.directory, { clock });
    const { store, counts } = disk;
    store.put("/before", [body("before")]);
    await store.settled();
    await small.fill();
    store.put("/full", [body("full")]);
    await clock.advance(1_500);
    expect((await bodyOf(store, "/before"))?.trim()).toBe("before");
    // It waits in memory.
    expect((await bodyOf(store, "/full"))?.trim()).toBe("full");
    const large = response(Buffer.alloc(50_000));
    for (let at = 0; at < 2_000; at++) store.put(`/${at}`, [large]);
    expect(counts["disk"]).toBeGreaterThan(500);
    await small.makeRoom();
    await clock.advance(5_000);
    expect(store.objects).toBe(1);
    await clock.advance(6_000);
    await expect.poll(() => store.objects, { timeout: 30_000 }).toBeGreaterThan(1);
  },
);

test.skipIf(!mayMount)(
  "what is purged while the disk is full does not come back after a restart",
  async () => {
    await using small = await smallDisk(DISK_BYTES);
    const disk = await startDisk(small.directory);
    for (const key of [...KEYS, "/tag"]) disk.store.put(key, [response(key, { tags: [key] })]);
    await disk.store.settled();
    await small.fill();
    for (const key of KEYS) disk.store.remove(key);
    await disk.store.settled();
    disk.purges.add({ target: { tag: "/tag" }, isSoft: false });
    await disk.store.purged({ target: { tag: "/tag" }, isSoft: false });
    await disk[Symbol.asyncDispose]();
    await using again = await startDisk(small.directory);
    await again.store.recovered;
    for (const key of KEYS) expect(await bodyOf(again.store, key)).toBeUndefined();
    expect(await bodyOf(again.store, "/tag")).toBeUndefined();
  },
);

test.skipIf(!mayMount)(
  "when there is room again, the journal of purges is there again",
  async () => {
    await using small = await smallDisk(DISK_BYTES);
    const clock = simulatedClock();
    const disk = await startDisk(small.directory, { clock });
    for (const key of [...KEYS, "/other"]) disk.store.put(key, [body(key)]);
    await disk.store.settled();
    await small.fill();
    for (const key of KEYS) disk.store.remove(key);
    await disk.store.settled();
    const journal = join(small.directory, "purges.log");
    await expect(access(journal)).rejects.toThrow(/ENOENT/);
    await small.makeRoom();
    const look = async () => {
      await clock.advance(1_000);
      await access(journal);
      return true;
    };
    await expect.poll(look, { timeout: 30_000 }).toBe(true);
    await disk[Symbol.asyncDispose]();
    await using again = await startDisk(small.directory, { clock });
    await again.store.recovered;
    for (const key of KEYS) expect(await bodyOf(again.store, key)).toBeUndefined();
    expect((await bodyOf(again.store, "/other"))?.trim()).toBe("/other");
  },
);
