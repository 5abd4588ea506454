import fc from "fast-check";
import { expect, test } from "vitest";

import { hashOf } from "./key-hash.ts";
import { PlaceIndex } from "./place-index.ts";
import type { Place } from "./place-shard.ts";
import { PlaceShard } from "./place-shard.ts";

const place = (segment: number, offset: number): Place => ({ segment, offset, bytes: offset + 1 });

test("knows what a map would know, whatever is set and deleted, also where keys meet", () => {
  const command = fc.record({
    // Few homes: most keys meet others.
    low: fc.integer({ min: 0, max: 40 }),
    high: fc.integer({ min: 0, max: 3 }),
    segment: fc.integer({ min: 1, max: 3 }),
    what: fc.constantFrom("set", "set", "delete", "use", "keep"),
  });
  fc.assert(
    fc.property(fc.array(command, { maxLength: 400, size: "max" }), (commands) => {
      const shard = new PlaceShard();
      const model = new Map<string, Place & { uses: number }>();
      for (const [at, { low, high, segment, what }] of commands.entries()) {
        const hash = { low: low * 997, high };
        const name = `${hash.low} ${high}`;
        const known = model.get(name);
        if (what === "set") {
          shard.set(hash, place(segment, at));
          model.set(name, { ...place(segment, at), uses: 0 });
        } else if (what === "delete") expect(shard.delete(hash)).toBe(model.delete(name));
        else if (what === "use") {
          shard.used(hash);
          if (known) known.uses = Math.min(3, known.uses + 1);
        } else if (at % 20 === 0) {
          shard.keepSegments((one) => one !== segment);
          for (const [name, one] of model) if (one.segment === segment) model.delete(name);
        }
      }
      expect(shard.count).toBe(model.size);
      for (const [name, known] of model) {
        const [low, high] = name.split(" ").map(Number) as [number, number];
        expect(shard.get({ low, high })).toEqual({ low, high, ...known });
      }
      const ofFirst = [...model.values()].filter(({ segment }) => segment === 1).length;
      expect(shard.ofSegment(1)).toHaveLength(ofFirst);
    }),
  );
});

test("a hundred thousand keys are found again, after it was stored as words too, at 40 bytes each or less", () => {
  const index = new PlaceIndex(7);
  const keys = Array.from({ length: 100_000 }, (_, at) => `/live/channel-${at % 100}/${at}.m4s`);
  for (const [at, key] of keys.entries()) index.set(index.hashOf(key), place(1, at));
  const again = new PlaceIndex(
    7,
    [...index.words()].map((words) => words.slice()),
  );
  for (const [at, key] of keys.entries())
    expect(again.get(again.hashOf(key))).toMatchObject(place(1, at));
  expect([again.size, again.has(again.hashOf("/other"))]).toEqual([100_000, false]);
  const bytes = [...index.words()].reduce((sum, { byteLength }) => sum + byteLength, 0);
  expect(bytes / keys.length).toBeLessThanOrEqual(40);
});

test("a key that has moved is not where it was", () => {
  const index = new PlaceIndex(1);
  const hash = index.hashOf("/a");
  index.set(hash, place(1, 5));
  expect([index.isAt(hash, place(1, 5)), index.isAt(hash, place(1, 6))]).toEqual([true, false]);
  index.delete(hash);
  expect(index.isAt(hash, place(1, 5))).toBe(false);
});

test("another seed gives another hash, and small differences of keys large ones", () => {
  const hashes = new Set<string>();
  for (let at = 0; at < 20_000; at++) {
    const { low, high } = hashOf(`/${at}`, at % 2);
    hashes.add(`${low} ${high}`);
    expect(low).toBeLessThan(2 ** 32);
    expect(high).toBeGreaterThanOrEqual(0);
  }
  expect(hashes.size).toBe(20_000);
  expect(hashOf("/a", 1)).not.toEqual(hashOf("/a", 2));
});
