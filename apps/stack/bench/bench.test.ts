/** The benchmarks run; what they measure is no matter of tests, but that nothing is left is. */
import { fileURLToPath } from "node:url";

import { describeWithNamespaces } from "@glassline/bench/namespaces/testing";
import { expect, test } from "vitest";

import { run } from "../src/testing/stage-apps.ts";
import { testWith } from "../src/testing/requirements.ts";

const MAIN = fileURLToPath(new URL("main.ts", import.meta.url));
const PATIENCE_MS = 240_000;

/** Of the quick form, by metric. */
async function figures(part: string): Promise<Map<string, number>> {
  const { code, output } = await run([process.execPath, MAIN, "--quick", part]);
  expect(code, output).toBe(0);
  const lines = output.split("\n").filter((line) => line.startsWith('{"bench"'));
  const all = lines.map((line) => JSON.parse(line) as { metric?: string; value: number });
  return new Map(all.flatMap(({ metric, value }) => (metric ? [[metric, value]] : [])));
}

describeWithNamespaces()("with VXLAN, containers and Icinga2", () => {
  testWith("icinga2", "monitoring-plugins", "runc")(
    "the way of a channel to its viewers is measured, and nothing of it is left",
    async () => {
      const measured = await figures("flow");
      expect(measured.get("flow_p50")).toBeGreaterThan(0);
      expect(measured.get("left")).toBe(0);
    },
    PATIENCE_MS,
  );
});

describeWithNamespaces()("a mesh that needs keys", () => {
  testWith("tcpdump")(
    "is measured while its key managers are stopped: nothing goes in clear, nothing is lost",
    async () => {
      const measured = await figures("key-sources");
      for (const metric of ["in_clear", "twice", "lost"])
        expect([metric, measured.get(metric)]).toEqual([metric, 0]);
      expect(measured.get("recovered")).toBeGreaterThanOrEqual(0);
    },
    PATIENCE_MS,
  );
});

test(
  "channels that are as they shall be are applied again without a change",
  async () => {
    const measured = await figures("again");
    expect(measured.get("changes")).toBe(0);
    expect(measured.get("again")).toBeGreaterThan(0);
  },
  PATIENCE_MS,
);
