/** Tests that need a program which not every machine has. */
import { existsSync } from "node:fs";

import { test } from "vitest";

/** `test`, or a visible skip that says what is missing; in CI a missing program fails instead. */
export function testWithProgram(path: string): typeof test | typeof test.skip {
  if (existsSync(path)) return test;
  if (process.env["CI"] === "true") throw new Error(`${path}: no such file; CI must install it`);
  test.skip(`skipped: no ${path}`, () => {});
  return test.skip;
}
