/** Small bodies in a memory store: whatever comes and goes, each is what was stored, and slabs take little more than they hold. */
import fc from "fast-check";
import { expect, test } from "vitest";

import { Purges } from "../core/purges.ts";
import { response } from "./disk/disk.testing.ts";
import { MemoryStore } from "./memory-store.ts";

const SLAB_BYTES = 65_536;
const bodyOf = (number: number, bytes: number) => Buffer.alloc(bytes, `${number}.`);
const startStore = (maxBytes: number) =>
  new MemoryStore(maxBytes, { purges: new Purges(), nowMs: () => 0 });

test("every body that is found is the one that was stored last, also those that are still read", () => {
  const command = fc.record({
    key: fc.integer({ min: 0, max: 150 }),
    bytes: fc.oneof(fc.integer({ min: 0, max: 5_000 }), fc.constantFrom(0, 1, 1_000, 4_096, 4_097)),
    what: fc.constantFrom("set", "set", "set", "get", "remove", "again", "soften"),
  });
  fc.assert(
    fc.property(fc.array(command, { size: "max", maxLength: 600 }), (commands) => {
      const store = startStore(300_000);
      const wanted = new Map<string, Buffer>();
      const read: { is: Buffer; was: Buffer }[] = [];
      for (const [number, { key: at, bytes, what }] of commands.entries()) {
        const key = `/${at}`;
        if (what === "set") {
          wanted.set(key, bodyOf(number, bytes));
          store.set(key, response("", { body: bodyOf(number, bytes) }));
        }
        if (what === "remove") store.remove(key);
        if (what === "soften") store.soften(key);
        const [found] = store.get(key);
        if (!found) continue;
        expect(found.body.equals(wanted.get(key)!)).toBe(true);
        read.push({ is: found.body, was: wanted.get(key)! });
        if (what === "again") store.set(key, { ...found, bornMs: number });
      }
      for (const { is, was } of read) expect(is.equals(was)).toBe(true);
      for (const key of store.keys())
        expect(store.peek(key)![0]!.body.equals(wanted.get(key)!)).toBe(true);
    }),
    { numRuns: 60 },
  );
});

test("where one object of many stays, slabs take what is kept and a third more", () => {
  const store = startStore(4_000_000);
  let kept = 0;
  for (let number = 0; number < 40_000; number++) {
    const stays = number % 20 === 0;
    const key = stays ? `/stays/${number}` : `/goes/${number}`;
    store.set(key, response("", { body: bodyOf(number, 1_000) }));
    if (stays) for (let use = 0; use < 3; use++) store.get(key);
  }
  for (const key of store.keys()) kept += store.peek(key)![0]!.body.length;
  expect(kept).toBeGreaterThan(2_000_000);
  expect(store.slabBytes).toBeLessThanOrEqual((4 / 3) * kept + 2 * SLAB_BYTES);
});

test("what is stored again under its key does not take room twice, and nothing is left behind", () => {
  const store = startStore(4_000_000);
  store.set("/a", response("", { body: bodyOf(1, 1_000) }));
  for (let number = 0; number < 1_000; number++) {
    const [found] = store.get("/a");
    store.set("/a", { ...found!, bornMs: number });
  }
  expect(store.slabBytes).toBe(SLAB_BYTES);
  for (let number = 0; number < 1_000; number++)
    store.set("/a", response("", { body: bodyOf(number, 1_000) }));
  expect(store.slabBytes).toBeLessThanOrEqual(2 * SLAB_BYTES);
  for (let number = 0; number < 100; number++)
    store.set(`/${number}`, response("", { body: bodyOf(number, 1_000) }));
  for (let number = 0; number < 100; number++) store.remove(`/${number}`);
  expect(store.slabBytes).toBeLessThanOrEqual(2 * SLAB_BYTES);
});
