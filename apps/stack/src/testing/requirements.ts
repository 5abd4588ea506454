/** Tests that need what not every machine has: skipped visibly where it is missing, failed in CI. */
import { existsSync } from "node:fs";
import { resolve } from "node:path";

import { test } from "vitest";

export const CHROMIUM = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
export const RECORDING = resolve(
  process.env["GLASSLINE_DATA"] ?? "../shared/data",
  "gopro-karma.mp4",
);

export const FFMPEG = process.env["FFMPEG"] ?? "/usr/bin/ffmpeg";

const FILES = { chromium: CHROMIUM, ffmpeg: FFMPEG, recording: RECORDING } as const;

/** `test`, or a visible skip that says what is missing; in CI a missing program fails instead. */
export function testWith(what: keyof typeof FILES): typeof test | typeof test.skip {
  if (existsSync(FILES[what])) return test;
  if (what !== "recording" && process.env["CI"] === "true") {
    throw new Error(`${FILES[what]}: no such file; CI must install ${what}`);
  }
  test.skip(`skipped: no ${what}`, () => {});
  return test.skip;
}
