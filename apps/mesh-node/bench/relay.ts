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

export async function measureRelay(isQuick: boolean): Promise<void> {
  about(
    BENCH,
    `A relay on a core of its own, a real process: packets of ${PACKET_BYTES} bytes come sealed over one link over UDP and go sealed over another, as many as the two ends on the other core bring about; several share a datagram of at most 1,232 bytes. Per core: packets by the relay's own processor time.`,
  );
  await using stack = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), "glassline-relay-"));
  stack.defer(() => rm(directory, { recursive: true, force: true }));
  const names = ["source", "relay", "sink"];
  await ensureDevelopmentPki(
    directory,
    names.map((instance) => ({ role: "mesh-node", instance })),
  );
  const ports = await freePorts(3);
  const nodes = names.map((name, at) => {
    const words = [`--name=${name}`, `--host=${HOST}`, `--port=${ports[at]}`, "--links=udp"];
    const core = name === "relay" ? RELAY_CORE : GENERATOR_CORE;
    const flags = [...words, `--pki-dir=${directory}`, "--log-level=error"];
    return stack.use(new RigNode(name, [NODE, ...flags], ["taskset", "-c", String(core)]));
  });
  await Promise.all(nodes.map((node) => node.start()));
  const [source, relay, sink] = nodes as [RigNode, RigNode, RigNode];
  const peer = { name: "relay", host: HOST, port: ports[1]! };
  for (const end of [source, sink]) end.obey({ order: "dial", peers: [peer] });
  while (source.reach.reach < 2) await delay(10);
  source.obey({ order: "flood", to: "sink", bytes: PACKET_BYTES });
  await delay(WARMUP_MS);
  await sink.tell();
  const [cpuMs, fromMs] = [cpuMsOf(relay.pid), performance.now()];
  await delay(isQuick ? 2_000 : 15_000);
  const { arrivals } = await sink.tell();
  const [spentMs, lengthMs] = [cpuMsOf(relay.pid) - cpuMs, performance.now() - fromMs];
  const params = { bytes: PACKET_BYTES };
  report(BENCH, "packets", (1_000 * arrivals.length) / lengthMs, "1/s", params);
  report(BENCH, "cpu_per_packet", (1_000 * spentMs) / arrivals.length, "us", params);
  report(BENCH, "packets_per_core", (1_000 * arrivals.length) / spentMs, "1/s", params);
}
