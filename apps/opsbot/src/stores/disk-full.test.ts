/** A journal on a disk that is full: nothing is done, nothing is lost, and it goes on when there is room. */
import { mayMount, smallDisk } from "@glassline/segment-log/small-disk/testing";
import { expect, test } from "vitest";

import { startStage } from "../bot.testing.ts";

const DISK_BYTES = 1_048_576;

test.skipIf(!mayMount)("a full disk lets nothing be done until there is room", async () => {
  await using small = await smallDisk(DISK_BYTES);
  await using stage = await startStage(small.directory);
  await stage.hear("freshness", "critical");
  await stage.hear("freshness", "ok");
  expect(stage.asked).toHaveLength(1);
  await small.fill();
  // A page may still have room for some.
  for (let at = 0; at < 200 && stage.bot.impediment === ""; at++)
    await stage.hear(`hit-rate-${at}`, "critical", { object: "edge-2" });
  expect(stage.bot.impediment).toMatch(/journal cannot be written: .*full/);
  const before = stage.asked.length;
  await stage.hear("hit-rate", "critical", { object: "edge-2" });
  expect(stage.asked).toHaveLength(before);
  expect(await stage.phase(1)).toBe("resolved");
  await small.makeRoom();
  await stage.hear("hit-rate", "critical", { object: "edge-2" });
  expect(stage.asked.at(-1)!.what).toBe("prime edge-2");
  expect(stage.bot.impediment).toBe("");
});
