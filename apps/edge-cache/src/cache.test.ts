import { systemClock } from "@glassline/service/clock";
import { expect, test } from "vitest";

import { Cache } from "./cache.ts";
import { addressOf } from "./core/address.ts";
import type { OriginAnswer } from "./core/freshness.ts";
import { MemoryStore } from "./stores/memory-store.ts";

const SEGMENT = addressOf("/live/cam/1.m4s")!;

function cacheWith(cacheControl: string, status = 200) {
  const waiting: ((answer: OriginAnswer) => void)[] = [];
  const store = new MemoryStore(1_000_000);
  let fetches = 0;
  const upstream = {
    fetch: () => new Promise<OriginAnswer>((resolve) => (fetches++, waiting.push(resolve))),
    [Symbol.asyncDispose]: async () => {},
  };
  const answer = () => {
    for (const resolve of waiting.splice(0))
      resolve({ status, headers: { "cache-control": cacheControl }, body: Buffer.from("x") });
  };
  const cache = new Cache({ store, upstream, clock: systemClock, fetched: () => {} });
  return { cache, store, answer, fetches: () => fetches };
}

test("a hundred who want the same object cost one fetch", async () => {
  const { cache, answer, fetches } = cacheWith("max-age=60");
  const all = Promise.all(Array.from({ length: 100 }, () => cache.get(SEGMENT)));
  answer();
  const kinds = (await all).map(({ outcome }) => outcome.kind);
  expect(fetches()).toBe(1);
  expect(kinds.filter((kind) => kind === "miss")).toHaveLength(1);
  expect(kinds.filter((kind) => kind === "coalesced")).toHaveLength(99);
  expect((await cache.get(SEGMENT)).outcome.kind).toBe("hit");
});

test("an answer for one is not given to others", async () => {
  const { cache, answer, fetches } = cacheWith("private");
  const all = Promise.all([cache.get(SEGMENT), cache.get(SEGMENT)]);
  answer();
  await new Promise((resolve) => setImmediate(resolve));
  answer();
  expect((await all).map(({ outcome }) => outcome.kind)).toEqual(["miss", "miss"]);
  expect(fetches()).toBe(2);
});

test("an error is shared by those who wait, and not kept", async () => {
  const { cache, store, answer, fetches } = cacheWith("max-age=60", 503);
  const all = Promise.all([cache.get(SEGMENT), cache.get(SEGMENT)]);
  answer();
  expect((await all).map(({ object }) => object.status)).toEqual([503, 503]);
  expect([fetches(), store.objects]).toEqual([1, 0]);
});

test("a fetch that began before a purge does not bring back what was purged", async () => {
  const { cache, store, answer } = cacheWith("max-age=60");
  const asked = cache.get(SEGMENT);
  cache.purge({ key: SEGMENT.key });
  // Who asks from now on does not wait for it either.
  const later = cache.get(SEGMENT);
  answer();
  expect((await asked).outcome).toMatchObject({ kind: "miss", stored: false });
  expect((await later).outcome).toMatchObject({ kind: "miss", stored: true });
  expect(store.objects).toBe(1);
});
