import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { isHit } from "./cache-status.ts";
import { Latencies } from "./latencies.ts";
import type { LoadCounts } from "./load-counts.ts";
import { addReason, sumOf } from "./load-counts.ts";
import { shortfallsOf } from "./shortfalls.ts";

test.each([
  [undefined, undefined],
  ["", undefined],
  ['"edge-1"; hit; ttl=3', true],
  ['"edge-1"; fwd=uri-miss; fwd-status=200; stored', false],
  ['"edge-1"; fwd=uri-miss; fwd-status=200; stored; collapsed', true],
  ['"shield"; hit; ttl=1, "edge-1"; fwd=uri-miss', true],
  ['"shield"; fwd=stale, "edge-1"; fwd=uri-miss', false],
  ["edge; hit=?1", true],
  ["edge; hit=?0; fwd=miss", false],
  ['"a, b; hit"; fwd=stale', false],
  ['"a \\" ; hit"; fwd=stale', false],
])("whether Cache-Status %j is a hit: %s", (value, expected) => {
  expect(isHit(value)).toBe(expected);
});

describe("times", () => {
  test("have quantiles that are 2 % too long at most, however they were put together", () => {
    const times = fc.array(fc.double({ min: 0.02, max: 100_000, noNaN: true }), { minLength: 1 });
    fc.assert(
      fc.property(times, fc.constantFrom(0.01, 0.5, 0.99, 1), fc.nat(), (all, part, cut) => {
        const [one, other] = [new Latencies(), new Latencies()];
        for (const [at, ms] of all.entries()) (at < cut % all.length ? one : other).add(ms);
        const told = JSON.parse(JSON.stringify(other.counts())) as [number, number][];
        one.merge(Latencies.from(told));
        const exact = all.toSorted((a, b) => a - b)[Math.ceil(part * all.length) - 1]!;
        expect(one.quantile(part)).toBeGreaterThanOrEqual(exact * 0.9999);
        expect(one.quantile(part)).toBeLessThanOrEqual(exact * 1.0201);
      }),
    );
  });

  test("that are none have none", () => expect(new Latencies().quantile(0.99)).toBe(0));
});

const GOOD: LoadCounts = {
  requests: 1_000,
  errors: 0,
  reasons: {},
  judged: 1_000,
  hits: 900,
  bytes: 1_000_000,
  firstByte: [[0, 1_000]],
  segments: 500,
  stalls: 0,
  idle: 0,
  lateMs: 0,
};
const SLO = { hitRate: 0.9, firstByteP99Ms: 50, errorShare: 0.01, stalls: 1 };
const slow = (ms: number) => {
  const latencies = new Latencies();
  latencies.add(ms);
  return latencies.counts();
};

describe("a load", () => {
  test.each<[Partial<LoadCounts>, RegExp[]]>([
    [{}, []],
    [{ errors: 10, stalls: 1 }, []],
    [{ hits: 899 }, [/^hit rate: got 89\.9 %, expected at least 90 %$/]],
    [{ hits: 899_999, judged: 1_000_000 }, [/^hit rate: got 89\.9 %, expected at least 90 %$/]],
    [{ judged: 0, hits: 0 }, [/^hit rate: got no answer that says how a cache came to it$/]],
    [
      { firstByte: slow(80) },
      [/^time to first byte \(p99\): got 8[01](?:\.\d)? ms, expected at most 50 ms$/],
    ],
    [
      { firstByte: slow(80), lateMs: 70 },
      [/expected at most 50 ms; the load itself was late by 70 ms: fewer players/],
    ],
    [
      { errors: 123, reasons: { "edge-1: status 502": 100, a: 20, b: 2, c: 1 } },
      [
        /^errors: got 12\.3 % of 1000 requests, expected at most 1 % \(edge-1: status 502, 100 times; a, 20 times; b, 2 times; 1 more reasons\)$/,
      ],
    ],
    [{ stalls: 3 }, [/^stalls: got 3, expected at most 1$/]],
    [{ idle: 2 }, [/^players: got 2 of 10 that played nothing, expected none$/]],
    [
      { segments: 0, idle: 10, requests: 0, judged: 0, hits: 0, firstByte: [] },
      [/^segments: got none, expected some$/, /^hit rate: got no answer/],
    ],
  ])("of %j falls short by %j", (change, expected) => {
    const said = shortfallsOf({ ...GOOD, ...change }, 10, SLO);
    expect(said).toHaveLength(expected.length);
    for (const [at, one] of expected.entries()) expect(said[at]).toMatch(one);
  });

  test("is the sum of what its processes counted", () => {
    const both = sumOf([
      { ...GOOD, reasons: { a: 1 }, lateMs: 3 },
      { ...GOOD, reasons: { a: 2, b: 1 }, lateMs: 1 },
    ]);
    expect(both).toMatchObject({
      requests: 2_000,
      hits: 1_800,
      reasons: { a: 3, b: 1 },
      lateMs: 3,
    });
    expect(both.firstByte).toEqual([[0, 2_000]]);
  });

  test("has so many reasons, and the others together", () => {
    const reasons: Record<string, number> = {};
    for (let at = 0; at < 60; at++) addReason(reasons, `reason ${at}`);
    addReason(reasons, "reason 0");
    expect(Object.keys(reasons)).toHaveLength(51);
    expect(reasons).toMatchObject({ "reason 0": 2, others: 10 });
  });
});
