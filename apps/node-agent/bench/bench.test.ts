/** The benchmarks run; what they measure is no matter of tests. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

import { expect, test } from "vitest";

import { describeWithNamespaces } from "@glassline/bench/namespaces/testing";

const MAIN = fileURLToPath(new URL("main.ts", import.meta.url));
/** Of what it said last. */
const SAID_CHARS = 2_000;
const PATIENT = { timeout: 180_000 };

interface Figure {
  metric: string;
  value: number;
}

/** The figures of a part's quick form. */
async function figures(part: string): Promise<Figure[]> {
  const bench = spawn(process.execPath, [MAIN, "--quick", part], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [text, said] = ["", ""];
  bench.stdout.on("data", (chunk: Buffer) => (text += chunk.toString()));
  bench.stderr.on("data", (chunk: Buffer) => (said = (said + chunk.toString()).slice(-SAID_CHARS)));
  const [code] = (await once(bench, "close")) as [number];
  expect(code, said).toBe(0);
  const lines = text.trim().split("\n");
  return lines.map((line) => JSON.parse(line) as Figure).filter(({ metric }) => metric);
}

const valueOf = (all: readonly Figure[], name: string) =>
  all.find(({ metric }) => metric === name)?.value;

describeWithNamespaces()("between network namespaces", PATIENT, () => {
  test("how soon segments are there is measured, and a second pass changes nothing", async () => {
    const all = await figures("segments");
    expect(valueOf(all, "again_changes")).toBe(0);
    for (const name of ["live", "by_hand", "gone"])
      expect(valueOf(all, name), name).toBeGreaterThan(0);
  });

  test.each(["move", "gateway"])("how long nobody answers at a %s is measured", async (part) => {
    expect(valueOf(await figures(part), "gap_longest")).toBeGreaterThan(0);
  });
});
