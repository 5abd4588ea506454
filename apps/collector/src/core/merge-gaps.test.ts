import { create } from "@bufbuild/protobuf";
import { GapCause } from "@glassline/proto/camera";
import { ListGapsResponseSchema } from "@glassline/proto/query";
import { expect, test } from "vitest";

import { mergeGaps } from "./merge-gaps.ts";

type Span = readonly [from: number, to: number];

const answer = (pacedFrom: number, holes: readonly Span[], told: readonly Span[] = []) =>
  create(ListGapsResponseSchema, {
    pacedFromUnixNano: BigInt(pacedFrom),
    holeLeastNano: 3n,
    gaps: [
      ...holes.map(([from, to]) => ({
        fromUnixNano: BigInt(from),
        toUnixNano: BigInt(to),
        reason: to === 1_000 ? "nothing has come since" : "nothing came",
      })),
      ...told.map(([from, to]) => ({
        fromUnixNano: BigInt(from),
        toUnixNano: BigInt(to),
        cause: GapCause.MESH,
        reports: 5n,
      })),
    ],
  });
const spans = (answers: ReturnType<typeof answer>[]) =>
  mergeGaps(answers).gaps!.map(({ fromUnixNano, toUnixNano }) => [
    Number(fromUnixNano),
    Number(toUnixNano),
  ]);

test("what one shard misses and another has is no hole", () => {
  // It was at one until 100, at the other from 101 on.
  expect(spans([answer(10, [[100, 1_000]]), answer(101, [])])).toEqual([]);
  // And back again.
  expect(spans([answer(10, [[100, 200]]), answer(101, [[199, 1_000]])])).toEqual([]);
});

test("what all miss is one, with the reason of its end", () => {
  const merged = mergeGaps([
    answer(10, [[100, 1_000]]),
    answer(120, [
      [150, 160],
      [300, 1_000],
    ]),
  ]);
  expect(merged.gaps).toMatchObject([
    { fromUnixNano: 100n, toUnixNano: 120n, reason: "nothing came" },
    { fromUnixNano: 150n, toUnixNano: 160n, reason: "nothing came" },
    { fromUnixNano: 300n, toUnixNano: 1_000n, reason: "nothing has come since" },
  ]);
});

test("what was told at another shard is no hole; what is shorter than the pace is none", () => {
  expect(spans([answer(10, [[100, 1_000]]), answer(300, [], [[105, 290]])])).toEqual([
    [100, 105],
    [105, 290],
    [290, 300],
  ]);
  expect(spans([answer(10, [[100, 1_000]]), answer(103, [])])).toEqual([]);
});
