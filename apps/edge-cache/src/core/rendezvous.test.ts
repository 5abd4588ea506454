import fc from "fast-check";
import { expect, test } from "vitest";

import { hashOf, loadBound, ranked } from "./rendezvous.ts";

const edges = ["edge-1", "edge-2", "edge-3", "edge-4"].map((name) => ({
  name,
  seed: hashOf(name),
}));
const keys = Array.from({ length: 20_000 }, (_, number) => `/live/cam-0001/segment-${number}.m4s`);

test("each edge gets its share of addresses that differ in a few digits", () => {
  const counts = new Map<string, number>();
  for (const key of keys) {
    const { name } = ranked(key, edges)[0]!;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  for (const { name } of edges) expect(counts.get(name)! / (keys.length / 4)).toBeCloseTo(1, 1);
});

test("when an edge goes, the others keep their order, and its objects are spread over all", () => {
  const rest = edges.slice(1);
  const heirs = new Map<string, number>();
  for (const key of keys) {
    const before = ranked(key, edges);
    expect(ranked(key, rest)).toEqual(before.filter((edge) => edge !== edges[0]));
    if (before[0] === edges[0]) heirs.set(before[1]!.name, (heirs.get(before[1]!.name) ?? 0) + 1);
  }
  for (const { name } of rest) expect(heirs.get(name)! / (keys.length / 12)).toBeCloseTo(1, 0);
});

test("the order does not depend on the order of configuration", () => {
  fc.assert(
    fc.property(fc.string(), fc.shuffledSubarray(edges, { minLength: 4 }), (key, shuffled) => {
      expect(ranked(key, shuffled)).toEqual(ranked(key, edges));
    }),
  );
});

test("few questions are never too many; of many, twice the mean", () => {
  expect(loadBound(10, 3)).toBe(64);
  expect(loadBound(300, 3)).toBe(200);
});
