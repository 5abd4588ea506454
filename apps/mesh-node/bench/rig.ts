/** A mesh of real processes in network namespaces, with babeld in the same ones: how it heals and what that costs. */
import { setTimeout as delay } from "node:timers/promises";

import { quantile } from "@glassline/bench/quantile";
import { about, report } from "@glassline/bench/report";
import { seededRandom } from "@glassline/service/random";

import { BabelRig, hasBabel } from "../rig/babel-rig.ts";
import type { Pair } from "../rig/medium.ts";
import { MeshRig } from "../rig/mesh-rig.ts";
import { gridPairs } from "../rig/shapes.ts";
import { Places } from "../simulator/places.ts";

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
    "Real processes, each in a network namespace; two that are joined hear each other over a bridge that drops all else; links over UDP, sealed. Outage: of a packet each 10 ms across a 4x4 grid a relay on its way loses its power; the longest gap (goals p50 400 ms, p99 or worst 1 s), and of babeld in the same place, as it is and tuned (hellos each second, updates each 4 s). Control: bytes of IP a second a node that carry nothing of flows, idle and with a flow of 20 packets a second from corner to corner, acknowledgements included (goal 250). Start: from all listening, dialling included, to a way from each to each other (goal 2 s); then a packet from each to each, 20 from each node a second, of which some may be lost as all processes share two processors: links look dead that are not. Heal: a grid that was cut in two for 15 s is joined; the longest until each has a way to each again (goal 1 s). Moving: 50 nodes in a square, some 150 links; each 5 s all move, links that become too long are cut without a word; of the packets of 20 flows, those that arrive at last, worst step and all (goal 99 %).",
  );
  await outages(isQuick ? 1 : 20);
  if (hasBabel() && !isQuick)
    for (const isTuned of [true, false]) await babelOutages(isTuned, isTuned ? 5 : 3);
  for (const side of isQuick ? [3] : [7, 10]) await idle(side, isQuick);
  await moving(isQuick ? 10 : 50, isQuick ? 1 : 24);
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
  await delay(lengthMs / 2);
  report(BENCH, "control_bytes", await controlRate(rig, lengthMs), "B/s", { nodes, flows: 0 });
  rig.flow(1, nodes, FLOW_MS, PROBE_BYTES);
  await delay(3_000);
  report(BENCH, "control_bytes", await controlRate(rig, lengthMs), "B/s", { nodes, flows: 1 });
  rig.stopFlows();
  if (isQuick || nodes > 49) return;
  const tookMs: number[] = [];
  for (let trial = 0; trial < 5; trial++) tookMs.push(await healMs(rig, side));
  report(BENCH, "heal_worst", Math.max(...tookMs), "ms", { nodes, trials: tookMs.length });
}

async function controlRate(rig: MeshRig, lengthMs: number): Promise<number> {
  const controlBytes = async () => {
    const all = await rig.sentBytes();
    const told = await Promise.all(rig.nodes.map((node) => node.tell()));
    const ofFlows = told.map(({ data }) => data.bytes + IP_UDP_BYTES * data.datagrams);
    return all - ofFlows.reduce((sum, bytes) => sum + bytes, 0);
  };
  const before = await controlBytes();
  const fromMs = performance.now();
  await delay(lengthMs);
  const bytes = (await controlBytes()) - before;
  return bytes / ((performance.now() - fromMs) / 1_000) / rig.nodes.length;
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

const STEP_MS = 5_000;
const DRAIN_MS = 1_500;
const RANGE = 0.215;

async function moving(nodes: number, steps: number): Promise<void> {
  const places = new Places(nodes, nodes < 50 ? 0.5 : RANGE, seededRandom(7));
  await using rig = await MeshRig.start(nodes);
  let pairs = near(places);
  await rig.link(pairs);
  await delay(10_000);
  const [shares, links]: [number[], number[]] = [[], []];
  let [sent, arrived] = [0, 0];
  for (let step = 0; step < steps; step++) {
    places.move(0.02);
    const before = pairs;
    pairs = near(places);
    const flows = joinedFlows(nodes, pairs);
    for (const [from, to] of flows) rig.flow(from, to, FLOW_MS, PROBE_BYTES);
    await delay(FLOW_MS);
    await change(rig, before, pairs);
    await delay(STEP_MS);
    rig.stopFlows();
    await delay(DRAIN_MS);
    const counts = await delivered(rig);
    shares.push(counts.arrived / counts.sent);
    [sent, arrived] = [sent + counts.sent, arrived + counts.arrived];
    links.push(pairs.length);
  }
  const params = {
    nodes,
    steps,
    mean_links: Math.round(links.reduce((a, b) => a + b, 0) / steps),
    step_ms: STEP_MS,
  };
  report(BENCH, "delivered_worst_step", 100 * Math.min(...shares), "%", params);
  report(BENCH, "delivered", (100 * arrived) / sent, "%", params);
}

const near = (places: Places): Pair[] => places.near().map(([a, b]) => [a + 1, b + 1]);

async function change(rig: MeshRig, before: readonly Pair[], pairs: readonly Pair[]) {
  const keys = (all: readonly Pair[]) => new Set(all.map(String));
  const [old, now] = [keys(before), keys(pairs)];
  await rig.part(before.filter((pair) => !now.has(String(pair))));
  await rig.link(pairs.filter((pair) => !old.has(String(pair))));
  rig.leave(before.filter((pair) => !now.has(String(pair))));
}

/** Between nodes that links join. */
function joinedFlows(nodes: number, pairs: readonly Pair[]): Pair[] {
  const flows = Array.from({ length: Math.min(20, nodes / 2) }, (_, at): Pair => [
    1 + at,
    nodes - at,
  ]);
  return flows.filter(([from, to]) => reachable(from, pairs).has(to));
}

function reachable(from: number, pairs: readonly Pair[]): Set<number> {
  const found = new Set([from]);
  for (const known of found)
    for (const [a, b] of pairs) {
      if (a === known) found.add(b);
      if (b === known) found.add(a);
    }
  return found;
}

/** Since the last time; what came twice counts once. */
async function delivered(rig: MeshRig): Promise<{ sent: number; arrived: number }> {
  const told = await Promise.all(rig.nodes.map((node) => node.tell()));
  const sent = told.reduce((sum, one) => sum + one.sent, 0);
  const arrived = told.map(
    ({ arrivals }) => new Set(arrivals.map(({ from, number }) => `${from} ${number}`)).size,
  );
  return { sent, arrived: arrived.reduce((sum, count) => sum + count, 0) };
}
