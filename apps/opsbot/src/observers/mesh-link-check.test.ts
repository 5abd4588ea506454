/** Links of mesh nodes that begin, come up and are lost. */
import { simulatedClock } from "@glassline/service/clock/testing";
import { expect, test } from "vitest";

import type { Network } from "../network.ts";
import { Machines } from "../machines.ts";
import { checksOf } from "./checks.ts";

const UP = [{ neighbour: "node-2", up: true, rttMs: 1, cost: 1, keyExchange: "" }];

function stage() {
  let nowMs = 0;
  const clock = { ...simulatedClock(), nowMs: () => nowMs };
  let links: typeof UP | Error = [];
  const getStatus = async () => {
    if (links instanceof Error) throw links;
    return { links };
  };
  const network = { meshNodes: new Map([["node-1", { getStatus }]]) } as unknown as Network;
  const machines = new Machines({ agents: new Map() }, clock);
  const check = checksOf({ network, machines, clock, intervalMs: 1_000 }).find(
    ({ name }) => name === "mesh-link",
  )!;
  return async (shown: typeof UP | Error, atMs: number) => {
    [links, nowMs] = [shown, atMs];
    return (await check.run())[0]!.state;
  };
}

test("a node that has just begun is given time to make its links, and no more than a minute", async () => {
  const look = stage();
  expect(await look([], 0)).toBe("pending");
  expect(await look([], 59_999)).toBe("pending");
  expect(await look([], 60_000)).toBe("critical");
});

test("a link that was there is missed at once", async () => {
  const look = stage();
  expect(await look(UP, 0)).toBe("ok");
  expect(await look([], 1_000)).toBe("critical");
  expect(await look([{ ...UP[0]!, up: false }], 2_000)).toBe("critical");
  expect(await look(UP, 3_000)).toBe("ok");
});

test("a node that does not answer is not judged", async () => {
  const look = stage();
  expect(await look(new Error("away"), 0)).toBe("unknown");
});
