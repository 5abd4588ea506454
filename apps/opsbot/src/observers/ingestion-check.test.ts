/** Replicas of the collector that store, that do not, and that are away. */
import { simulatedClock } from "@glassline/service/clock/testing";
import { expect, test } from "vitest";

import { Machines } from "../machines.ts";
import type { Network } from "../network.ts";
import { checksOf } from "./checks.ts";

const answering = (notStoredMs: bigint) => ({
  getStatus: async () => ({ notStoredMs, pointsStored: 7n, producers: [{ connected: true }] }),
});
const away = { getStatus: () => Promise.reject(new Error("away")) };

test("each replica is judged by how long it has not stored what comes", async () => {
  const clock = simulatedClock();
  const replicas = new Map<string, object>([
    ["well", answering(0n)],
    ["slow", answering(5_001n)],
    ["full", answering(15_001n)],
    ["gone", away],
  ]);
  const network = { replicas } as unknown as Network;
  const machines = new Machines({ agents: new Map() }, clock);
  const checks = checksOf({ network, machines, clock, intervalMs: 1_000 });
  const { run } = checks.find(({ name }) => name === "ingestion")!;
  expect((await run()).at(-1)).toMatchObject({ object: "gone", state: "warning" });
  await clock.advance(30_000);
  const found = await run();
  expect(found.map(({ object, state, output }) => [object, state, output])).toEqual([
    ["well", "ok", "7 points stored of 1 producer"],
    ["slow", "warning", "what comes has not been stored for 5.0 s"],
    ["full", "critical", "what comes has not been stored for 15.0 s"],
    ["gone", "critical", "it does not answer"],
  ]);
});
