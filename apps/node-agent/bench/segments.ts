/** A machine gets very many segments, looks at them again, and loses them; beside the same by hand. */
import { execFile } from "node:child_process";

import { median } from "@glassline/bench/median";
import { about, report } from "@glassline/bench/report";
import { create } from "@bufbuild/protobuf";
import type { Segment } from "@glassline/proto/node";
import { SegmentSchema } from "@glassline/proto/node";

import { wishOf } from "../src/core/segment-wish.ts";
import type { Machine } from "@glassline/bench/namespaces/testing";
import { startUnderlay } from "@glassline/bench/namespaces/testing";
import { driverOf } from "../src/drivers/vxlan.testing.ts";
import { MARK, agentIn } from "./agent-in-namespace.ts";

const BENCH = "segments";
const SIZES = { full: { segments: 1_000, rounds: 3 }, quick: { segments: 50, rounds: 1 } } as const;
const PEERS = ["100.64.7.3", "100.64.7.4"];
const GOAL_S = 1.5;

export async function measureSegments(isQuick: boolean): Promise<void> {
  const { segments: count, rounds } = isQuick ? SIZES.quick : SIZES.full;
  about(
    BENCH,
    `A network namespace as a machine. live: from the wish until an agent has seen with its own eyes that ${count} segments with ${PEERS.length} peers each are there as wished, guarded by nftables, with checksum offload off; by hand: the same bridges, VXLAN interfaces, addresses and entries by one ip -batch and one bridge -batch in the same namespace afterwards, without a look at what is there before or after, without nftables, and without the offloads. again: one more pass; gone: until nothing of them is left; by hand: each interface by a line of its own. Medians of ${rounds} rounds, the two by turns. Goal: live ${GOAL_S} s for 1,000. What bounds it: the kernel's own work, which by hand is more than half of it; the rest is nftables, the offloads, and the looks before and after.`,
  );
  const figures = { live: [], again: [], gone: [], byHand: [], goneByHand: [] } as Record<
    string,
    number[]
  >;
  let changed = 0;
  for (let round = 0; round < rounds; round++) {
    await using underlay = await startUnderlay(1);
    const [machine] = underlay.machines as [Machine];
    const segments = Array.from({ length: count }, (_, at) => segmentNumber(at));
    await using agent = await agentIn(machine, "machine-1");
    figures["live"]!.push(await secondsOf(() => agent.become(segments)));
    await checkLinks(machine, count);
    const driver = driverOf(machine, {}, { mark: () => MARK });
    const wishes = segments.map(wishOf);
    // A driver that has just begun asks for the offloads and the allow-list once more.
    await driver.apply(wishes, new Set());
    const seconds = await secondsOf(async () => {
      changed += (await driver.apply(wishes, new Set())).changes;
    });
    figures["again"]!.push(seconds);
    figures["gone"]!.push(await secondsOf(() => agent.become([])));
    await checkLinks(machine, 0);
    figures["byHand"]!.push(await secondsOf(() => byHand(machine, count)));
    await checkLinks(machine, count);
    // Else the kernel would do it while the next round is measured.
    figures["goneByHand"]!.push(await secondsOf(() => removeByHand(machine, count)));
  }
  const params = { segments: count, peers: PEERS.length, rounds };
  report(BENCH, "live", median(figures["live"]!), "s", params);
  report(BENCH, "live_worst", Math.max(...figures["live"]!), "s", params);
  report(BENCH, "by_hand", median(figures["byHand"]!), "s", params);
  report(BENCH, "again", median(figures["again"]!), "s", params);
  report(BENCH, "again_changes", changed, "", params);
  report(BENCH, "gone", median(figures["gone"]!), "s", params);
  report(BENCH, "gone_by_hand", median(figures["goneByHand"]!), "s", params);
}

function segmentNumber(at: number): Segment {
  const subnet = `10.${80 + (at >> 8)}.${at & 255}`;
  return create(SegmentSchema, {
    name: `overlay-${at}`,
    machine: "machine-1",
    vni: 100_000 + at,
    address: `${subnet}.1/24`,
    peers: PEERS.map((underlayAddress, peer) => ({
      name: `peer-${peer}`,
      underlayAddress,
      address: `${subnet}.${2 + peer}`,
    })),
  });
}

/** As facts about this kernel were measured, with addresses and entries. */
async function byHand({ namespace }: Machine, count: number): Promise<void> {
  const links: string[] = [];
  const entries: string[] = [];
  for (let at = 0; at < count; at++) {
    const [vni, subnet] = [100_000 + at, `10.${80 + (at >> 8)}.${at & 255}`];
    links.push(
      `link add name gl${vni} up mtu 1450 type bridge stp_state 0 forward_delay 0 mcast_snooping 0`,
      `link add name glx${vni} up master gl${vni} mtu 1450 type vxlan id ${vni} dstport 4789 nolearning`,
      `address add ${subnet}.1/24 dev gl${vni}`,
    );
    for (const [peer, underlay] of PEERS.entries())
      entries.push(
        `fdb append 00:00:00:00:00:00 dev glx${vni} dst ${underlay}`,
        `fdb replace 02:00:00:00:00:0${2 + peer} dev glx${vni} dst ${underlay} static`,
      );
  }
  await batch("ip", namespace, links);
  await batch("bridge", namespace, entries);
}

/** One after the other. */
function removeByHand({ namespace }: Machine, count: number): Promise<void> {
  const vnis = Array.from({ length: count }, (_, at) => 100_000 + at);
  const lines = vnis.flatMap((vni) => [`link delete dev glx${vni}`, `link delete dev gl${vni}`]);
  return batch("ip", namespace, lines);
}

function batch(program: string, namespace: string, lines: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = execFile(program, ["-netns", namespace, "-batch", "-"], (error) => {
      if (error) reject(error);
      else resolve();
    });
    child.stdin!.end(`${lines.join("\n")}\n`);
  });
}

async function checkLinks(machine: Machine, expected: number): Promise<void> {
  const got = [...(await machine.ip("-brief link show up")).matchAll(/^glx\d+/gm)].length;
  if (got !== expected) throw new Error(`VXLAN interfaces: got ${got}, expected ${expected}`);
}

async function secondsOf(work: () => Promise<void>): Promise<number> {
  const fromMs = performance.now();
  await work();
  return (performance.now() - fromMs) / 1_000;
}
