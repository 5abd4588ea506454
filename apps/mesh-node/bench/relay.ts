/** What a relay does on one core: a flood of packets over two links, sealed, opened and routed; the other ends are on another core. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { setTimeout as delay } from "node:timers/promises";

import { GENERATOR_CORE } from "@glassline/bench/pinned-process";
import { freePorts } from "@glassline/bench/ports";
import { cpuMsOf } from "@glassline/bench/proc";
import { about, report } from "@glassline/bench/report";
import { ensureDevelopmentPki } from "@glassline/service/pki";

import { RigNode } from "../rig/rig-node.ts";

const BENCH = "mesh-relay";
const NODE = fileURLToPath(new URL("../rig/node.ts", import.meta.url));
const HOST = "127.0.0.1";
const RELAY_CORE = 1 - GENERATOR_CORE;
const PACKET_BYTES = 256;
const WARMUP_MS = 5_000;

/** By how packets share datagrams, the largest datagram: of one packet, of what every network takes, of ten packets. */
const DATAGRAMS = {
  "one to a datagram": 345,
  "1232 B": 1_232,
  "ten to a datagram": 3_000,
} as const;

export async function measureRelay(isQuick: boolean): Promise<void> {
  about(
    BENCH,
    `A relay on a core of its own, a real process: packets of ${PACKET_BYTES} bytes come sealed over one link over UDP and go sealed over another, as many as the two ends on the other core bring about. Per core: packets by the relay's own processor time, that of the garbage collector's threads included (goals 50,000 unpacked, 250,000 ten to a datagram). Added: bytes of a datagram that are not the packet's, names of nodes of six letters, two of them, and the circuit (goal 64 without a trace context). What bounds: of 28 us of a packet that is alone in its datagram, 9 are the kernel's, for receiving and sending, 9 those of AES-256-GCM in Node, which makes an object for each seal, 4 the garbage collector's; ten to a datagram, the work of each packet, parsed, routed and kept until it is acknowledged, is 8.`,
  );
  for (const [datagrams, bytes] of Object.entries(DATAGRAMS))
    await measure({ datagrams, bytes: PACKET_BYTES }, bytes, isQuick);
}

async function measure(
  params: { datagrams: string; bytes: number },
  datagramBytes: number,
  isQuick: boolean,
): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const { relay, sink } = await threeNodes(datagramBytes, stack);
  await delay(isQuick ? WARMUP_MS / 5 : WARMUP_MS);
  const before = (await relay.tell()).data;
  await sink.tell();
  const [cpuMs, fromMs] = [cpuMsOf(relay.pid), performance.now()];
  await delay(isQuick ? 2_000 : 15_000);
  const { flooded } = await sink.tell();
  const [spentMs, lengthMs] = [cpuMsOf(relay.pid) - cpuMs, performance.now() - fromMs];
  const { data } = await relay.tell();
  report(BENCH, "packets", (1_000 * flooded) / lengthMs, "1/s", params);
  report(BENCH, "cpu_per_packet", (1_000 * spentMs) / flooded, "us", params);
  report(BENCH, "packets_per_core", (1_000 * flooded) / spentMs, "1/s", params);
  const [datagrams, bytes] = [data.datagrams - before.datagrams, data.bytes - before.bytes];
  report(BENCH, "packets_per_datagram", flooded / datagrams, "1", params);
  report(BENCH, "added", bytes / flooded - PACKET_BYTES, "B", params);
}

/** The first of them floods the last one, by way of the one between them. */
async function threeNodes(
  datagramBytes: number,
  stack: AsyncDisposableStack,
): Promise<{ relay: RigNode; sink: RigNode }> {
  const directory = await mkdtemp(join(tmpdir(), "glassline-relay-"));
  stack.defer(() => rm(directory, { recursive: true, force: true }));
  const names = ["node-1", "node-2", "node-3"];
  await ensureDevelopmentPki(
    directory,
    names.map((instance) => ({ role: "mesh-node", instance })),
  );
  const ports = await freePorts(3);
  const nodes = names.map((name, at) => {
    const words = [`--name=${name}`, `--host=${HOST}`, `--port=${ports[at]}`, "--links=udp"];
    const flags = [`--datagram-size=${datagramBytes}B`, `--pki-dir=${directory}`];
    const core = name === "node-2" ? RELAY_CORE : GENERATOR_CORE;
    const launcher = ["taskset", "-c", String(core)];
    return stack.use(new RigNode(name, [NODE, ...words, ...flags, "--log-level=error"], launcher));
  });
  await Promise.all(nodes.map((node) => node.start()));
  const [source, relay, sink] = nodes as [RigNode, RigNode, RigNode];
  const peer = { name: "node-2", host: HOST, port: ports[1]! };
  for (const end of [source, sink]) end.obey({ order: "dial", peers: [peer] });
  while (source.reach.reach < 2) await delay(10);
  source.obey({ order: "flood", to: "node-3", bytes: PACKET_BYTES });
  return { relay, sink };
}
