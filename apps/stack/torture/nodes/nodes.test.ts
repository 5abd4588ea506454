/** The torture in small. */
import { fileURLToPath } from "node:url";

import { expect, test } from "vitest";

import { run } from "../../src/testing/stage-apps.ts";

const MAIN = fileURLToPath(new URL("main.ts", import.meta.url));

test(
  "nothing is lost or stored twice when nodes of the mesh die",
  { timeout: 180_000 },
  async () => {
    const { code, output } = await run([process.execPath, MAIN, "--kills=6"]);
    expect(code, output).toBe(0);
    const points = output
      .split("\n")
      .filter((line) => line.includes('"metric":"lost"'))
      .map((line) => JSON.parse(line) as { value: number; params: { points: number } });
    expect(points).toHaveLength(1);
    expect(points[0]!.value).toBe(0);
    expect(points[0]!.params.points).toBeGreaterThan(4_000);
  },
);
