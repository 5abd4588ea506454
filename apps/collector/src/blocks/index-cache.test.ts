import { create } from "@bufbuild/protobuf";
import { BlockIndexSchema } from "@glassline/proto/storage";
import { expect, test } from "vitest";

import { IndexCache } from "./index-cache.ts";

const indexOf = (chunks: number, cells: number) =>
  create(BlockIndexSchema, {
    chunks: Array.from({ length: chunks }, () => ({})),
    rollups: [{ metric: "m", minute: Array.from({ length: cells }, (_, minute) => minute) }],
  });
const kept = (cache: IndexCache, ...all: number[]) => all.filter((one) => cache.get(one));

test("indexes are bounded by their chunks and by the minutes of their rollups; those used last stay", () => {
  for (const index of [indexOf(1_000, 0), indexOf(0, 4_000)]) {
    const cache = new IndexCache(1_000_000);
    for (const firstIndex of [1, 2, 3]) cache.set(firstIndex, index);
    expect(cache.get(1)).toBe(index);
    cache.set(4, index);
    expect(kept(cache, 1, 2, 3, 4)).toEqual([1, 3, 4]);
    expect(cache.bytes).toBeLessThanOrEqual(1_000_000);
  }
});

test("an index that is larger than all may be stays alone, and gives its room back", () => {
  const cache = new IndexCache(1_000_000);
  cache.set(1, indexOf(10, 10));
  cache.set(2, indexOf(0, 100_000));
  expect(kept(cache, 1, 2)).toEqual([2]);
  cache.set(2, indexOf(10, 10));
  cache.set(3, indexOf(10, 10));
  expect(kept(cache, 2, 3)).toEqual([2, 3]);
  cache.delete(2);
  cache.delete(3);
  cache.delete(4);
  expect(cache.bytes).toBe(0);
});
