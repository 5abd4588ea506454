/** Files are deployed one after the other, on a desk in memory. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { simulatedClock } from "@glassline/service/clock/testing";
import { expect, onTestFinished, test } from "vitest";

import { MemoryDesk } from "../desk.testing.ts";
import { deployFiles } from "./deploy.ts";

test("what is refused, and what is so already, is not counted as changed", async () => {
  const directory = mkdtempSync(join(tmpdir(), "glassline-deploy-files-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const files = ["harbour", "machine-1", "nowhere"].map((channel) => {
    const file = join(directory, `${channel}.yaml`);
    writeFileSync(file, `channel: ${channel}\nsource: /live/a.m3u8\nmachines: [machine-1]\n`);
    return file;
  });
  const clock = simulatedClock();
  const desk = new MemoryDesk(clock);
  desk.refusals.set("machine-1", { refused: "it is as described", because: "nothing_to_do" });
  const told: string[] = [];
  const terminal = {
    tell: (line: string) => void told.push(line),
    show: () => {},
    agrees: async () => false,
  };
  const deps = { desk, terminal, clock };
  expect(await deployFiles(files, { isSure: true, planOnly: true }, deps)).toBe(1);
  expect(told.slice(1)).toEqual([
    "machine-1: 0 changes",
    "nowhere: nothing is called nowhere",
    "1 of 3 channels changed",
  ]);
});
