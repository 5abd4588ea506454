/** The benchmark runs; what it measures is no matter of tests. */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

import { expect, test } from "vitest";

const MAIN = fileURLToPath(new URL("main.ts", import.meta.url));

test("signed profiles are measured", { timeout: 120_000 }, () => {
  const text = execFileSync(process.execPath, [MAIN, "--quick", "profiles"], { encoding: "utf8" });
  const figures = text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { metric?: string; value?: number })
    .filter(({ metric }) => metric === "profiles");
  expect(figures).toHaveLength(2);
  for (const { value } of figures) expect(value).toBeGreaterThan(0);
});
