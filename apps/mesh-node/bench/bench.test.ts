/** The benchmark runs; what it measures is no matter of tests. */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

import { expect, test } from "vitest";

const MAIN = fileURLToPath(new URL("main.ts", import.meta.url));

test("the mesh is measured in virtual time", { timeout: 120_000 }, () => {
  const text = execFileSync(process.execPath, [MAIN, "--quick", "virtual"], { encoding: "utf8" });
  const figures = text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { metric?: string; value?: number })
    .filter(({ metric }) => metric !== undefined);
  expect(figures.map(({ metric }) => metric)).toEqual([
    "outage_p50",
    "outage_p99",
    "control_bytes",
    "control_bytes",
    "start",
    "heal_worst",
    "delivered_worst_step",
    "delivered",
  ]);
  for (const { value } of figures) expect(value).toBeGreaterThan(0);
});
