/** Links of the mesh whose keys are old. */
import { simulatedClock } from "@glassline/service/clock/testing";
import { expect, test } from "vitest";

import { Machines } from "../machines.ts";
import type { Network } from "../network.ts";
import { checksOf } from "./checks.ts";

const DAY_NANO = 86_400_000_000_000n;

test("each link is judged by itself, by the end that dials, between nodes that are known", async () => {
  const clock = simulatedClock();
  const link = (neighbour: string, ageDays: bigint, dialled = true) => ({
    neighbour,
    up: true,
    dialled,
    keyExchange: "",
    upSinceUnixNano: clock.nowUnixNano() - ageDays * DAY_NANO,
  });
  const node = (...links: object[]) => ({ getStatus: async () => ({ links }) });
  const meshNodes = new Map<string, object>([
    ["node-1", node(link("node-2", 1n), link("node-3", 8n), link("stranger", 9n))],
    ["node-2", node(link("node-1", 1n, false))],
    ["node-3", { getStatus: () => Promise.reject(new Error("away")) }],
  ]);
  const machines = new Machines({ agents: new Map() }, clock);
  const network = { meshNodes } as unknown as Network;
  const checks = checksOf({ network, machines, clock, intervalMs: 1_000 });
  const found = await checks.find(({ name }) => name === "link-keys")!.run();
  expect(found.map(({ object, state }) => [object, state])).toEqual([
    ["node-1/node-2", "ok"],
    ["node-1/node-3", "critical"],
  ]);
});
