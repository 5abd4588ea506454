/** The torture in small. */
import { fileURLToPath } from "node:url";

import { describeWithNamespaces } from "@glassline/bench/namespaces/testing";
import { expect, test } from "vitest";

import { run } from "../../src/testing/stage-apps.ts";
import { testWith } from "../../src/testing/requirements.ts";
import { exitCodeOf } from "./deployments.ts";

const MAIN = fileURLToPath(new URL("main.ts", import.meta.url));

test("a boundary that is not met fails the torture, as a problem does", () => {
  expect(exitCodeOf({ problems: [], notMet: 0 })).toBe(0);
  expect(exitCodeOf({ problems: [], notMet: 1 })).toBe(1);
  expect(exitCodeOf({ problems: ["twice"], notMet: 0 })).toBe(1);
});

describeWithNamespaces()("the torture of deployments", () => {
  testWith("icinga2", "monitoring-plugins", "runc")(
    "an OpsBot that dies while it deploys a channel brings it to its end, once",
    async () => {
      const { code, output } = await run([process.execPath, MAIN, "--boundaries=3"]);
      expect(code, output).toBe(0);
      const line = output.split("\n").find((text) => text.includes("not_as_expected"))!;
      const { value, params } = JSON.parse(line) as { value: number; params: { died: number } };
      expect(value).toBe(0);
      expect(params.died).toBeGreaterThan(3);
    },
    600_000,
  );
});
