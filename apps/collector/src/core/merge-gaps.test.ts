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
const spans = (answers: ReturnType<typeof answer>[], from = 0, to = 0) =>
  mergeGaps(answers, { from: BigInt(from), to: BigInt(to) }).gaps!.map(
    ({ fromUnixNano, toUnixNano }) => [Number(fromUnixNano), Number(toUnixNano)],
  );

test("what one shard misses and another has is no hole", () => {
  // It was at one until 100, at the other from 101 on.
  expect(spans([answer(10, [[100, 1_000]]), answer(101, [])])).toEqual([]);
  // And back again.
  expect(spans([answer(10, [[100, 200]]), answer(101, [[199, 1_000]])])).toEqual([]);
});

test("what all miss is one, with the reason of its end", () => {
  const answers = [
    answer(10, [[100, 1_000]]),
    answer(120, [
      [150, 160],
      [300, 1_000],
    ]),
  ];
  const merged = mergeGaps(answers, { from: 0n, to: 0n });
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

test("a hole before the window is not shown; nor one at its end, while a shard has too few samples to tell", () => {
  expect(spans([answer(10, [[100, 1_000]]), answer(500, [])], 500)).toEqual([]);
  expect(
    spans([
      answer(10, [
        [100, 200],
        [300, 1_000],
      ]),
      answer(0, []),
    ]),
  ).toEqual([[100, 200]]);
  expect(
    spans(
      [
        answer(10, [
          [100, 200],
          [300, 900],
        ]),
        answer(0, []),
      ],
      0,
      900,
    ),
  ).toEqual([[100, 200]]);
});

test("what was told before a hole leaves the hole as it is", () => {
  expect(
    spans([answer(10, [[1_100, 1_200]]), answer(10, [[1_100, 1_200]], [[1_010, 1_020]])]),
  ).toEqual([
    [1_010, 1_020],
    [1_100, 1_200],
  ]);
});

test("many holes are put together in no time", () => {
  const holes = Array.from({ length: 10_000 }, (_, at) => [100 * at + 20, 100 * at + 90] as const);
  expect(spans([answer(10, holes), answer(10, holes)]).length).toBe(10_000);
});
