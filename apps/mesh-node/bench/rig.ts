/** A mesh of real processes in network namespaces, and babeld in the same ones: how they heal and what that costs. */
import { setTimeout as delay } from "node:timers/promises";

import { quantile } from "@glassline/bench/quantile";
import { about, report } from "@glassline/bench/report";

import type { Pair } from "../rig/medium.ts";
import { MeshRig } from "../rig/mesh-rig.ts";
import { gridPairs } from "../rig/shapes.ts";

const BENCH = "mesh-rig";
const PROBE_MS = 10;
const FLOW_MS = 50;
const COMPLETE_TIMEOUT_MS = 60_000;

export async function measureRig(isQuick: boolean): Promise<void> {
  about(
    BENCH,
    "Real processes, each in a network namespace; links over UDP with their keys and records; two that are joined hear each other over a bridge that drops all else. Outage: of a packet each 10 ms across a 4x4 grid, a relay on its way loses its power; the longest gap (goal p50 400 ms, p99 1 s).",
  );
  await outages(isQuick ? 3 : 20);
}

async function outages(trials: number): Promise<void> {
  const pairs = gridPairs(4);
  await using rig = await MeshRig.start(16);
  await rig.link(pairs);
  await rig.complete(COMPLETE_TIMEOUT_MS);
  rig.flow(1, 16, PROBE_MS);
  const gapsMs: number[] = [];
  for (let trial = 0; trial < trials; trial++) gapsMs.push(await outage(rig, pairs, trial));
  const params = { grid: "4x4", trials };
  report(BENCH, "outage_p50", quantile(gapsMs, 0.5), "ms", params);
  report(BENCH, "outage_worst", Math.max(...gapsMs), "ms", params);
}

async function outage(rig: MeshRig, pairs: readonly Pair[], trial: number): Promise<number> {
  await delay(2_500 + Math.random() * 500);
  const { path } = await rig.arrivals(16);
  const relays = path.slice(1, -1);
  const relay = Number(relays[trial % relays.length]!.slice("node-".length));
  await rig.kill(relay, pairs);
  await delay(4_000);
  const { arrivals } = await rig.arrivals(16);
  await rig.startAgain(relay, pairs);
  await rig.complete(COMPLETE_TIMEOUT_MS);
  return Math.max(...arrivals.slice(1).map((atMs, at) => atMs - arrivals[at]!));
}
