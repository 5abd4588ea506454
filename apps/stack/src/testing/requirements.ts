/** Tests that need what not every machine has: skipped visibly where it is missing, failed in CI. */
import { existsSync } from "node:fs";
import { resolve } from "node:path";

import { test } from "vitest";

export const CHROMIUM = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
export const RECORDING = resolve(
  process.env["GLASSLINE_DATA"] ?? "../shared/data",
  "gopro-karma.mp4",
);

/** `test`, or a visible skip that says what is missing; in CI a missing browser fails instead. */
export function testWith(what: "chromium" | "recording"): typeof test | typeof test.skip {
  if (existsSync(what === "chromium" ? CHROMIUM : RECORDING)) return test;
  if (what === "chromium" && process.env["CI"] === "true") {
    throw new Error(`${CHROMIUM}: no such file; CI must install chromium`);
  }
  test.skip(`skipped: no ${what}`, () => {});
  return test.skip;
}
