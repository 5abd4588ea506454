/** An action that made a warning of what was critical has helped. */
import { expect, test } from "vitest";

import type { Stage } from "./bot.testing.ts";
import { VERIFY_MS, startStage } from "./bot.testing.ts";
import { GUARD_LIMITS } from "./core/guard.ts";

/** It is flushed, and its playlists are a little behind from then on. */
async function eased(stage: Stage): Promise<void> {
  await stage.hear("freshness", "ok", { object: "edge-2" });
  await stage.hear("freshness", "critical");
  for (let time = 0; time < 4; time++) {
    await stage.pass(VERIFY_MS);
    await stage.hear("freshness", "warning");
  }
}

const asked = (stage: Stage) => stage.asked.map(({ what }) => what);

test("nothing more is done, nobody is called, and it is open until it is well", async () => {
  await using stage = await startStage();
  await eased(stage);
  expect(asked(stage)).toEqual(["flush edge-1"]);
  expect(await stage.phase(1)).toBe("open");
  expect(await stage.said(1)).toBe("it helped: freshness is warning");
  expect((await stage.kinds(1)).filter((kind) => kind === "escalated")).toEqual([]);
  await stage.hear("freshness", "ok");
  expect(await stage.said(1)).toBe("it is over");
  expect(await stage.phase(1)).toBe("resolved");
});

test("the next action follows when it is critical again, and is believed", async () => {
  await using stage = await startStage();
  await eased(stage);
  await stage.hear("freshness", "critical", { hard: false });
  expect(asked(stage)).toHaveLength(1);
  await stage.hear("freshness", "critical");
  expect(asked(stage)).toEqual(["flush edge-1", "edge-1/2 edge-2/1"]);
  expect(await stage.journal.incidents(9, false)).toHaveLength(1);
});

test("one that is just becoming critical again is not acted on before that is believed", async () => {
  await using stage = await startStage();
  await stage.hear("freshness", "ok", { object: "edge-2" });
  await stage.hear("freshness", "critical");
  await stage.hear("freshness", "warning");
  await stage.pass(VERIFY_MS + 1_000);
  await stage.hear("freshness", "critical", { hard: false });
  expect(asked(stage)).toEqual(["flush edge-1"]);
});

test("others that wait for their turn have it", async () => {
  await using stage = await startStage();
  await eased(stage);
  await stage.pass(GUARD_LIMITS.disruptionWindowMs);
  await stage.hear("freshness", "critical", { object: "edge-2" });
  expect(asked(stage)).toEqual(["flush edge-1", "flush edge-2"]);
});

test("a look just before acting that shows a warning lets nothing be done", async () => {
  await using stage = await startStage();
  stage.look = (known) => ({ ...known, state: "warning", output: "a little behind" });
  await stage.hear("freshness", "critical");
  expect(stage.asked).toEqual([]);
  expect(await stage.said(1)).toBe(
    "left alone: freshness is no more than a warning: a little behind",
  );
});
