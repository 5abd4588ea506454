/** A storm: many alert at once, for as long as they do. */
import { expect, test } from "vitest";

import type { Stage } from "./bot.testing.ts";
import { startStage } from "./bot.testing.ts";
import type { State } from "./core/check-state.ts";
import { GUARD_LIMITS } from "./core/guard.ts";
import { edgesNamed } from "./loop.testing.ts";
import { scratch } from "./stores/store.testing.ts";

const EDGES = edgesNamed(40);
const RESULT_MS = 5_000;
const HOLD_MS = GUARD_LIMITS.storm.holdMs;

const startHall = (directory = scratch()) =>
  startStage(directory, undefined, { edges: EDGES.length });

/** All edges are checked again and again for so long. */
async function found(stage: Stage, state: (edge: string) => State, forMs: number): Promise<void> {
  for (let ms = 0; ms < forMs; ms += RESULT_MS) {
    await Promise.all(EDGES.map((object) => stage.hear("freshness", state(object), { object })));
    await stage.pass(RESULT_MS);
  }
}

async function storms(stage: Stage): Promise<string[]> {
  const all = await stage.journal.incidents(100, false);
  return all.filter(({ check }) => check === "storm").map(({ phase }) => phase);
}

const escalated = async (stage: Stage) =>
  (await stage.journal.incidents(100, false)).filter(({ phase }) => phase === "escalated").length;

test("lasts while they alert: nothing is done, and people are called once", async () => {
  await using stage = await startHall();
  await found(stage, () => "critical", 600_000);
  expect(stage.asked).toEqual([]);
  expect(await storms(stage)).toEqual(["escalated"]);
  expect(await escalated(stage)).toBe(1);
  await found(stage, () => "ok", HOLD_MS - RESULT_MS);
  expect(await storms(stage)).toEqual(["escalated"]);
  await found(stage, () => "ok", 2 * RESULT_MS);
  expect(await storms(stage)).toEqual(["resolved"]);
  expect(await stage.journal.countOpen()).toBe(0);
  expect(stage.asked).toEqual([]);
});

test("ends when few are left of it, and those are dealt with as ever", async () => {
  await using stage = await startHall();
  await found(stage, () => "critical", 300_000);
  const left = (edge: string): State => (edge === "edge-7" ? "critical" : "ok");
  await found(stage, left, HOLD_MS);
  expect(stage.asked).toEqual([]);
  await found(stage, left, 2 * RESULT_MS);
  expect(stage.asked.map(({ what }) => what)).toEqual(["flush edge-7"]);
  expect(await storms(stage)).toEqual(["resolved"]);
});

test("does not end with the process that has seen it, nor are people called again", async () => {
  const directory = scratch();
  {
    await using stage = await startHall(directory);
    await found(stage, () => "critical", 10_000);
  }
  await using stage = await startHall(directory);
  // Checks come one after the other, and the first ones are no storm yet.
  for (const object of EDGES) await stage.hear("freshness", "critical", { object });
  await found(stage, () => "critical", 300_000);
  expect(stage.asked).toEqual([]);
  expect(await storms(stage)).toEqual(["escalated"]);
  expect(await escalated(stage)).toBe(1);
});
