/** A clock that is set makes no problem older or newer for the guard. */
import { expect, test } from "vitest";

import type { Stage } from "./bot.testing.ts";
import { startStage } from "./bot.testing.ts";
import { GUARD_LIMITS } from "./core/guard.ts";
import { scratch } from "./stores/store.testing.ts";

const HOUR_MS = 3_600_000;
const FLAPPING = { problems: 3, windowMs: 600_000 };

async function fault(stage: Stage): Promise<void> {
  await stage.hear("hit-rate", "critical");
  await stage.hear("hit-rate", "ok");
}

const isLeftAlone = async (stage: Stage, id: number) => {
  const said = (await stage.journal.entries(id)).map(({ text }) => text).join("\n");
  return /is left alone until/.test(said);
};

test.each([-HOUR_MS, HOUR_MS])("set by %i ms, the cool-down is as long", async (byMs) => {
  await using stage = await startStage();
  stage.setClock(byMs);
  await fault(stage);
  await stage.pass(GUARD_LIMITS.coolDownMs - 1_000);
  await stage.hear("hit-rate", "critical");
  expect(stage.asked).toHaveLength(1);
  expect(await isLeftAlone(stage, 2)).toBe(true);
  await stage.pass(1_000);
  await stage.hear("hit-rate", "critical");
  expect(stage.asked).toHaveLength(2);
});

test.each([-HOUR_MS, HOUR_MS])("set by %i ms, what comes and goes is counted", async (byMs) => {
  const limits = { coolDownMs: 0, flapping: FLAPPING };
  await using stage = await startStage(scratch(), undefined, { limits });
  stage.setClock(byMs);
  for (let time = 0; time < 2; time++) await fault(stage);
  await stage.hear("hit-rate", "critical");
  expect(await stage.said(3)).toMatch(/comes and goes: 3 times/);
  expect(stage.asked).toHaveLength(2);
  await stage.hear("hit-rate", "ok");
  await stage.pass(FLAPPING.windowMs);
  await stage.hear("hit-rate", "critical");
  expect(stage.asked).toHaveLength(3);
});

test.each([-HOUR_MS, 49 * HOUR_MS])(
  "nor does it over a restart, set by %i ms meanwhile",
  async (setByMs) => {
    const directory = scratch();
    {
      await using stage = await startStage(directory);
      await fault(stage);
    }
    await using stage = await startStage(directory, undefined, { setByMs });
    await stage.hear("hit-rate", "critical");
    expect(stage.asked).toEqual([]);
    expect(await isLeftAlone(stage, 2)).toBe(true);
    await stage.pass(GUARD_LIMITS.coolDownMs);
    await stage.hear("hit-rate", "critical");
    expect(stage.asked).toHaveLength(1);
  },
);

test("nor are budgets new or pauses over, however often it is set forward at a restart, and back", async () => {
  const directory = scratch();
  const limits = { coolDownMs: 0, budgets: { ...GUARD_LIMITS.budgets, target: 3 } };
  const begunIn: number[] = [];
  for (const setByMs of [0, 2 * HOUR_MS, 50 * HOUR_MS, 0, 9_000 * HOUR_MS]) {
    await using stage = await startStage(directory, undefined, { limits, setByMs });
    await fault(stage);
    begunIn.push(stage.asked.length);
  }
  expect(begunIn).toEqual([1, 1, 1, 0, 0]);
  {
    await using stage = await startStage(directory, undefined, { limits, setByMs: 0 });
    await stage.pass(GUARD_LIMITS.budgetWindowMs);
    await stage.order("pause", "", HOUR_MS);
    await fault(stage);
    expect(stage.asked).toEqual([]);
  }
  await using stage = await startStage(directory, undefined, { limits, setByMs: 9_009 * HOUR_MS });
  await fault(stage);
  expect(stage.asked).toEqual([]);
  await stage.pass(HOUR_MS);
  await fault(stage);
  expect(stage.asked).toHaveLength(1);
});
