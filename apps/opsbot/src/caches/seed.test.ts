/** What is done before edges are asked; seeding of real edges is in apps/stack. */
import { systemClock } from "@glassline/service/clock";
import { expect, test } from "vitest";

import { seed } from "./seed.ts";

test.each([
  [0, "nothing to fetch"],
  [1, "nothing to fetch; /no/such/access.log: ENOENT"],
])("of access logs, %i popular paths are wished: %s", async (popular, says) => {
  const { signal } = new AbortController();
  const isHeld = async () => false;
  const deps = {
    edges: new Map(),
    edgeToken: "",
    fencingToken: 0n,
    clock: systemClock,
    isHeld,
    signal,
  };
  const wish = { paths: [], popular, perSecond: 1, accessLogs: ["/no/such/access.log"] };
  const report = await seed(deps, { ...wish, idempotencyKey: "deploy-1" });
  expect(report.says.slice(0, says.length)).toBe(says);
  expect(report.logs.problems).toHaveLength(popular);
});
