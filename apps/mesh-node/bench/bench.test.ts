/** The benchmark runs; what it measures is no matter of tests. */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

import { expect, test } from "vitest";

const MAIN = fileURLToPath(new URL("main.ts", import.meta.url));

function figuresOf(part: string): { metric: string; value: number }[] {
  const text = execFileSync(process.execPath, [MAIN, "--quick", part], { encoding: "utf8" });
  return text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { metric: string; value: number })
    .filter(({ metric }) => metric !== undefined);
}

test("the mesh is measured in virtual time", { timeout: 120_000 }, () => {
  const figures = figuresOf("virtual");
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

test(
  "what follows the price of pads is nearly the best there is, and better than the shortest ways",
  { timeout: 120_000 },
  () => {
    const figures = Object.fromEntries(
      figuresOf("pads").map(({ metric, value }) => [metric, value]),
    );
    // What was stored at first counts, in a run as short as this.
    expect(figures["of_optimum_worst"]).toBeGreaterThan(90);
    expect(figures["over_hop_count_worst"]).toBeGreaterThan(1.1);
  },
);
