/** A mesh of real processes in network namespaces, with babeld in the same ones: how it heals and what that costs. */
import { setTimeout as delay } from "node:timers/promises";

import { quantile } from "@glassline/bench/quantile";
import { about, report } from "@glassline/bench/report";
import { REKEY_AFTER_MS } from "@glassline/quantum/keys/records";

import { BabelRig, hasBabel } from "../rig/babel-rig.ts";
import type { Pair } from "../rig/medium.ts";
import { MeshRig } from "../rig/mesh-rig.ts";
import { gridPairs } from "../rig/shapes.ts";

const BENCH = "mesh-rig";
const PROBE_MS = 10;
const FLOW_MS = 50;
const PROBE_BYTES = 256;
const IP_UDP_BYTES = 28;
const COMPLETE_TIMEOUT_MS = 60_000;
const DELIVER_TIMEOUT_MS = 10_000;

export async function measureRig(isQuick: boolean): Promise<void> {
  about(
    BENCH,
    "Real processes, each in a network namespace; two that are joined hear each other over a bridge that drops all else; links over UDP, sealed. Outage: of a packet each 10 ms across a 4x4 grid a relay on its way loses its power; the longest gap (goals p50 400 ms, p99 or worst 1 s), and of babeld in the same place, as it is and tuned (hellos each second, updates each 4 s). Control: bytes of IP a second a node that carry nothing of flows, idle and with a flow of 20 packets a second from corner to corner, acknowledgements included (goal 250); key exchange: what new keys of all links each two minutes take beside that, where the time of measuring has all of them (idle) or whatever falls into it. Start: from all listening, dialling included, to a way from each to each other (goal 2 s); then a packet from each to each, 20 from each node a second, of which some may be lost as all processes share two processors: links look dead that are not. Heal: a grid that was cut in two for 15 s is joined; the longest until each has a way to each again (goal 1 s).",
  );
  await outages(isQuick ? 1 : 20);
  if (hasBabel() && !isQuick)
    for (const isTuned of [true, false]) await babelOutages(isTuned, isTuned ? 5 : 3);
  for (const side of isQuick ? [3] : [7, 10]) await idle(side, isQuick);
}

async function outages(trials: number): Promise<void> {
  const pairs = gridPairs(4);
  await using rig = await MeshRig.start(16);
  await rig.link(pairs);
  await rig.complete(COMPLETE_TIMEOUT_MS);
  rig.flow(1, 16, PROBE_MS, PROBE_BYTES);
  const gapsMs: number[] = [];
  for (let trial = 0; trial < trials; trial++) gapsMs.push(await outageMs(rig, pairs, trial));
  tellOutages(gapsMs, { system: "glassline", grid: "4x4", trials });
}

function tellOutages(gapsMs: readonly number[], params: Record<string, string | number>): void {
  report(BENCH, "outage_p50", quantile(gapsMs, 0.5), "ms", params);
  report(BENCH, "outage_worst", Math.max(...gapsMs), "ms", params);
}

async function outageMs(rig: MeshRig, pairs: readonly Pair[], trial: number): Promise<number> {
  await delay(2_500 + Math.random() * 500);
  const relays = (await rig.path(1, 16)).slice(1, -1);
  const relay = relays[trial % relays.length]!;
  await rig.tell(16);
  await rig.kill(relay, pairs);
  await delay(4_000);
  const { arrivals } = await rig.tell(16);
  await rig.startAgain(relay, pairs);
  await rig.complete(COMPLETE_TIMEOUT_MS);
  return longestGapMs(arrivals.map(({ atMs }) => atMs));
}

const longestGapMs = (timesMs: readonly number[]) =>
  Math.max(...timesMs.slice(1).map((atMs, at) => atMs - timesMs[at]!));

async function babelOutages(isTuned: boolean, trials: number): Promise<void> {
  const pairs = gridPairs(4);
  await using rig = await BabelRig.start(16, isTuned);
  await rig.join(pairs);
  const gapsMs: number[] = [];
  for (let trial = 0; trial < trials; trial++) gapsMs.push(await rig.outageMs(1, 16, pairs));
  const system = isTuned ? "babeld, tuned" : "babeld";
  tellOutages(gapsMs, { system, grid: "4x4", trials });
}

/** Start, control, and the healing of a grid. */
async function idle(side: number, isQuick: boolean): Promise<void> {
  const pairs = gridPairs(side);
  const nodes = side * side;
  await using rig = await MeshRig.start(nodes);
  const listeningMs = Date.now();
  await rig.link(pairs);
  const completeMs = await rig.complete(COMPLETE_TIMEOUT_MS);
  report(BENCH, "start", completeMs - listeningMs, "ms", { nodes });
  if (nodes <= 49) {
    const lost = await rig.deliver(DELIVER_TIMEOUT_MS);
    report(BENCH, "first_packets_lost", lost, "{packet}", { nodes, packets: nodes * (nodes - 1) });
  }
  const lengthMs = isQuick ? 5_000 : 40_000;
  // Until round trips are no more those of processes that all start at once.
  await delay(isQuick ? lengthMs / 2 : nodes > 49 ? 90_000 : 30_000);
  await control(rig, isQuick ? lengthMs : REKEY_AFTER_MS, { nodes, flows: 0 });
  rig.flow(1, nodes, FLOW_MS, PROBE_BYTES);
  await delay(3_000);
  await control(rig, lengthMs, { nodes, flows: 1 });
  rig.stopFlows();
  if (isQuick || nodes > 49) return;
  const tookMs: number[] = [];
  for (let trial = 0; trial < 5; trial++) tookMs.push(await healMs(rig, side));
  report(BENCH, "heal_worst", Math.max(...tookMs), "ms", { nodes, trials: tookMs.length });
}

/** What nodes say beside data, and what their links' keys take of it. */
async function control(
  rig: MeshRig,
  lengthMs: number,
  params: Record<string, number>,
): Promise<void> {
  const before = await bytesOf(rig);
  const fromMs = performance.now();
  await delay(lengthMs);
  const after = await bytesOf(rig);
  const perNode = ((performance.now() - fromMs) / 1_000) * rig.nodes.length;
  const keys = after.openings - before.openings;
  const rest = after.all - before.all - (after.data - before.data) - keys;
  report(BENCH, "control_bytes", rest / perNode, "B/s", params);
  report(BENCH, "key_exchange_bytes", keys / perNode, "B/s", params);
}

/** Of IP, all nodes together, since their start. */
async function bytesOf(rig: MeshRig): Promise<Record<"all" | "data" | "openings", number>> {
  const all = await rig.sentBytes();
  const told = await Promise.all(rig.nodes.map((node) => node.tell()));
  const sum = (of: "data" | "openings") =>
    told.reduce((bytes, one) => bytes + one[of].bytes + IP_UDP_BYTES * one[of].datagrams, 0);
  return { all, data: sum("data"), openings: sum("openings") };
}

async function healMs(rig: MeshRig, side: number): Promise<number> {
  const isLeft = (number: number) => (number - 1) % side < Math.floor(side / 2);
  const cut = gridPairs(side).filter(([a, b]) => isLeft(a) !== isLeft(b));
  await rig.part(cut);
  await delay(15_000);
  await rig.join(cut);
  const joinedMs = Date.now();
  const completeMs = await rig.complete(COMPLETE_TIMEOUT_MS);
  await rig.deliver(DELIVER_TIMEOUT_MS);
  return Math.max(0, completeMs - joinedMs);
}
