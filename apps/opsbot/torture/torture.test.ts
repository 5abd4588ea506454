import { progressOn } from "@glassline/bench/progress";
import { Random } from "@glassline/bench/fleet-model";
import { PassThrough } from "node:stream";
import { expect, test } from "vitest";

import { LIMITS, SERVING, SIZES } from "./guard-sequence.ts";
import type { Happened } from "./history.ts";
import { excesses } from "./history.ts";
import { torture } from "./torture.ts";

test("no window is over a budget in any of some hundred sequences, and each refusal comes", async () => {
  const chance = new Random(7);
  const { problems, refused, begun } = await torture(
    400,
    () => chance.uniform(),
    progressOn(new PassThrough() as never),
    new AbortController().signal,
  );
  expect(problems).toEqual([]);
  expect(begun).toBeGreaterThan(400);
  expect(Object.keys(refused).toSorted()).toEqual([
    "budget",
    "cool_down",
    "disruption",
    "kill_switch",
    "last_healthy",
    "paused",
    "storm",
    "unknown_target",
  ]);
});

test("what is over a limit is found", () => {
  const one = (atMs: number, more: Partial<Happened> = {}): Happened => ({
    target: "hall-1-0",
    domain: "hall-1",
    serves: "hall-1",
    runbook: "health",
    isDisruptive: false,
    atMs,
    endedMs: atMs,
    ...more,
  });
  const found = (all: Happened[]) => excesses(all, LIMITS, SIZES, SERVING);
  expect(found([one(0), one(1), one(2)])).toEqual([]);
  expect(found([one(0), one(1), one(2), one(59_999)])).toEqual([
    "target: got 4 in a window, expected at most 3",
  ]);
  expect(found([one(0), one(1), one(2), one(60_000)])).toEqual([]);
  const felt = { isDisruptive: true };
  const far = { ...felt, domain: "hall-2", serves: "hall-2", target: "hall-2-9" };
  const served = { ...far, serves: "harbour", target: "hall-2-0" };
  expect(found([one(0, far), one(1, served)])).toEqual([]);
  expect(found([one(0, served), one(1, { ...served, target: "hall-2-1" })])).toEqual([
    "disruption: got 2 of harbour, expected at most 1",
  ]);
  const other = { ...felt, target: "hall-1-1" };
  expect(found([one(0, felt), one(9_999, other)])).toHaveLength(1);
  expect(found([one(0, felt), one(10_000, other)])).toEqual([]);
  expect(found([one(0, { ...felt, endedMs: 20_000 }), one(10_000, other)])).toHaveLength(1);
});
