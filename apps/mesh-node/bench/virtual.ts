/** The control plane of real nodes in virtual time: how it heals, what it costs on the wire, how it follows nodes that move. */
import { quantile } from "@glassline/bench/quantile";
import { about, report } from "@glassline/bench/report";
import { create, toBinary } from "@bufbuild/protobuf";
import { FrameSchema } from "@glassline/proto/mesh";
import { OVERHEAD_BYTES } from "@glassline/quantum/keys/records";
import { seededRandom } from "@glassline/service/random";

import { MovingMesh, grid, gridNode, isComplete } from "../simulator/topologies.ts";
import type { VirtualMesh } from "../simulator/virtual-mesh.ts";
import { NEAR } from "../simulator/virtual-mesh.ts";
import { controlFrame } from "../src/control-frames.ts";
import type { ControlMessage } from "../src/core/control-plane.ts";

const BENCH = "mesh-virtual";
/** IP, UDP, and what a sealed record is longer than its content. */
const ENVELOPE_BYTES = 20 + 8 + OVERHEAD_BYTES;
const PROBE_MS = 10;

export async function measureVirtual(isQuick: boolean): Promise<void> {
  about(
    BENCH,
    "Virtual time, one process; the control plane is that of real nodes, the links are made up: 0.2 to 1 ms one way, nothing lost. Outage: a relay on the way of a packet each 10 ms across a 4x4 grid stops without a word; the longest gap (goal 400 ms, 1 s). Control: what all nodes send beside data, as sealed UDP records over IPv4, idle and with a flow of 20 packets a second from corner to corner (goal 250 B/s). Start: each node has a way to each other one. Heal: two halves of a grid are joined. Moving: nodes go to places drawn by lot, links that become too long are cut without a word; share of packets of 20 flows that arrive in a step of 5 s, worst step and mean (goal 99 %; missed: a link that vanishes without a sign costs its flows about 0.4 s until that is noticed, and a step cuts one in fifteen). Elsewhere, on real links: babeld 9.5 to 16.4 s and, tuned, 3.2 to 3.7 s of outage; 135 and 245 B/s at 49 and 100 nodes; batman-adv 5,138 at 100.",
  );
  outages(isQuick ? 20 : 200);
  for (const side of isQuick ? [4] : [7, 10, 32]) control(side);
  for (const side of isQuick ? [4] : [7, 10, 32]) start(side);
  heal(isQuick ? 4 : 7, isQuick ? 3 : 20);
  moving(isQuick ? 5 : 60);
}

function outages(trials: number): void {
  const gapsMs = Array.from({ length: trials }, (_, trial) => outageMs(trial));
  for (const part of [0.5, 0.99])
    report(BENCH, `outage_p${100 * part}`, quantile(gapsMs, part), "ms", { grid: "4x4", trials });
}

function outageMs(trial: number): number {
  const random = seededRandom(trial + 1);
  const mesh = grid(4, random, NEAR);
  mesh.run(3_000 + random() * 3_000);
  const [from, to] = [gridNode(0, 0), gridNode(3, 3)];
  const arrivals = mesh.flow(from, to, PROBE_MS, mesh.nowMs + 8_000);
  mesh.run(mesh.nowMs + 3_000 + random() * 100);
  const relays = mesh.path(from, to).slice(1, -1);
  mesh.kill(relays[Math.floor(random() * relays.length)]!);
  mesh.run(mesh.nowMs + 8_000);
  return Math.max(...arrivals.slice(1).map((atMs, index) => atMs - arrivals[index]!));
}

function control(side: number): void {
  for (const isUsed of [false, true]) {
    const mesh = grid(side, seededRandom(5), NEAR);
    mesh.run(30_000);
    const lengthMs = 60_000;
    if (isUsed) mesh.flow(gridNode(0, 0), gridNode(side - 1, side - 1), 50, mesh.nowMs + lengthMs);
    const sent = count(mesh);
    mesh.run(mesh.nowMs + lengthMs);
    const rate = sent.bytes / (lengthMs / 1_000) / mesh.names.length;
    const params = { nodes: mesh.names.length, flows: isUsed ? 1 : 0 };
    report(BENCH, "control_bytes", rate, "B/s", params);
  }
}

function count(mesh: VirtualMesh): { bytes: number } {
  const sent = { bytes: 0 };
  mesh.onMessage = (_from: string, message: ControlMessage) => {
    const frame = create(FrameSchema, { frame: controlFrame(message) });
    sent.bytes += ENVELOPE_BYTES + toBinary(FrameSchema, frame).length;
  };
  return sent;
}

function start(side: number): void {
  const mesh = grid(side, seededRandom(6), NEAR);
  const tookMs = untilComplete(mesh);
  report(BENCH, "start", tookMs, "ms", { nodes: mesh.names.length });
}

/** Looked at each 10 ms. */
function untilComplete(mesh: VirtualMesh): number {
  const fromMs = mesh.nowMs;
  do {
    mesh.run(mesh.nowMs + 10);
    if (mesh.nowMs - fromMs > 60_000) throw new Error("not each node has a way to each other one");
  } while (!isComplete(mesh));
  return mesh.nowMs - fromMs;
}

/** Cut through the middle for half a minute: each half forgets the other one. */
function heal(side: number, trials: number): void {
  const tookMs = Array.from({ length: trials }, (_, trial) => {
    const mesh = grid(side, seededRandom(trial + 1), NEAR);
    mesh.run(5_000);
    const middle = Math.floor(side / 2);
    const cut = Array.from({ length: side }, (_, y) => [
      gridNode(middle - 1, y),
      gridNode(middle, y),
    ]) as [string, string][];
    for (const [a, b] of cut) mesh.disconnect(a, b, false);
    mesh.run(mesh.nowMs + 30_000);
    for (const [a, b] of cut) mesh.connect(a, b);
    return untilComplete(mesh);
  });
  report(BENCH, "heal_worst", Math.max(...tookMs), "ms", { nodes: side * side, trials });
}

const STEP_MS = 5_000;

function moving(steps: number): void {
  const random = seededRandom(7);
  const moved = new MovingMesh(50, 0.17, random, NEAR);
  const { mesh } = moved;
  mesh.run(10_000);
  const [shares, links]: [number[], number[]] = [[], []];
  for (let step = 0; step < steps; step++) {
    moved.move(0.02);
    links.push(moved.links);
    shares.push(deliveredShare(mesh));
  }
  const mean = (values: number[]) => values.reduce((sum, one) => sum + one, 0) / values.length;
  const params = { nodes: 50, steps, mean_links: Math.round(mean(links)), step_ms: STEP_MS };
  report(BENCH, "delivered_worst_step", 100 * Math.min(...shares), "%", params);
  report(BENCH, "delivered", 100 * mean(shares), "%", params);
}

/** Of flows between nodes that links join, for the whole step: also while the ways that were just cut are still in use. */
function deliveredShare(mesh: VirtualMesh): number {
  const pairs = Array.from({ length: 20 }, (_, at) => [`node-${at}`, `node-${49 - at}`] as const);
  const joined = pairs.filter(([from, to]) => mesh.reachable(from).has(to));
  const untilMs = mesh.nowMs + STEP_MS;
  const flows = joined.map(([from, to]) => mesh.flow(from, to, 50, untilMs));
  mesh.run(untilMs);
  const arrived = flows.reduce((sum, { length }) => sum + length, 0);
  return arrived / (flows.length * (STEP_MS / 50));
}
