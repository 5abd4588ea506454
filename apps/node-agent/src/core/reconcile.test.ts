import { EdgePhase } from "@glassline/proto/node";
import { expect, test } from "vitest";

import { edgePhaseOf } from "./reconcile.ts";

const S = 1_000_000_000n;
const [NEVER, NOW, BEFORE] = [
  { isReady: false, wasReady: false },
  { isReady: true, wasReady: true },
  { isReady: false, wasReady: true },
];

test("an edge has half a minute to become ready; one that was, and is not, is unready at once", () => {
  expect(edgePhaseOf("running", NEVER, 29n * S)).toBe(EdgePhase.STARTING);
  expect(edgePhaseOf("running", NEVER, 30n * S)).toBe(EdgePhase.UNREADY);
  expect(edgePhaseOf("running", NOW, 1n * S)).toBe(EdgePhase.READY);
  expect(edgePhaseOf("running", BEFORE, 2n * S)).toBe(EdgePhase.UNREADY);
  expect(edgePhaseOf("stopping", NOW, 60n * S)).toBe(EdgePhase.STOPPING);
  for (const phase of ["absent", "waiting", "givenUp"] as const)
    expect(edgePhaseOf(phase, NEVER, 0n)).toBe(EdgePhase.WAITING);
});
