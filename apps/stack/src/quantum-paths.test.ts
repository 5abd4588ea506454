/** Two ways through a mesh whose links need QKD keys: somebody listens on one of them. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";

import { freePorts } from "@glassline/bench/ports";
import { KmeService } from "@glassline/proto/kme";
import type { GetStatusResponse } from "@glassline/proto/mesh";
import { peerClient } from "@glassline/service/peer-client";
import { expect, test } from "vitest";

import { countedValues, countingSource } from "./testing/sources.ts";
import { Testbed, eventually } from "./testing/testbed.ts";

const CAMERA = "cam-quantum";
/** Blocks soon, and time left for all else in this process. */
const SOON = { "frame-interval": "100ms", frame: 65_536, block: 15_000, "length-km": 5 };
/** The gateway, two relays, and the node at the collector; light goes from the first of each pair to the second one. */
const PAIRS = [
  [1, 2],
  [1, 3],
  [2, 4],
  [3, 4],
] as const;
const EVES_QBER = 0.25;
/** Of a block that he has heard wholly. */
const HEARD = 0.23;

test("is heard: the route leaves the link, and nothing is lost", { timeout: 120_000 }, async () => {
  await using bed = await Testbed.open({});
  const kmes = await keyManagers(bed);
  const ports = await freePorts(4);
  const collector = await bed.collector();
  for (const node of [4, 3, 2, 1])
    await bed.meshNode(`node-${node}`, {
      links: "udp",
      mode: "qkd-required",
      "allow-simulated-keys": true,
      port: ports[node - 1]!,
      "key-manager": `kme-${node}=localhost:${kmes.get(node)!.port}`,
      peer: PAIRS.filter(([from]) => from === node).map(
        ([, to]) => `node-${to}=localhost:${ports[to - 1]}`,
      ),
      ...(node === 4 && { collector: `localhost:${collector.addresses.port}` }),
      ...(node === 1 && { gateway: true as const }),
    });
  const source = countingSource(CAMERA, { perReport: 20, intervalMs: 10 });
  await bed.camera(CAMERA, ports[0]!, [source]);
  const wayOut = () => bed.meshStatus(ports[0]!).then(nextHopTo("node-4"));
  await eventually("there are keys for both links", async () => {
    const { links } = await bed.meshStatus(ports[0]!);
    const areAmple = links.filter(
      ({ qber, keysLastS }) => qber !== undefined && keysLastS === undefined,
    );
    return areAmple.length === 2 || undefined;
  });
  const relay = await eventually("there is a way to the collector", wayOut);
  const query = await bed.query(collector.addresses.port);
  const values = () => countedValues(query, CAMERA);
  await eventually("samples arrive", async () => (await values()).length > 0 || undefined);

  const number = Number(relay.slice("node-".length));
  await listen(bed, kmes.get(1)!.grpcPort, `kme-${number}`);
  const other = `node-${5 - number}`;
  const link = await eventually("the route leaves the link", async () => {
    const { links } = await bed.meshStatus(ports[0]!);
    const heard = links.find(({ neighbour, qber = 0 }) => neighbour === relay && qber > HEARD);
    return heard && (await wayOut()) === other ? heard : undefined;
  });
  expect(Math.abs(link.qber! - EVES_QBER)).toBeLessThan(0.02);
  expect(link).toMatchObject({ keySource: "sim", keysLastS: 25 });
  source.finish();
  const all = await eventually("all samples are stored", async () => {
    const stored = await values();
    return stored.length >= source.yielded ? stored : undefined;
  });
  expect(all).toEqual(Array.from({ length: source.yielded }, (_, at) => at + 1));
});

/** Those at the ends of a pair have a quantum link. @returns by number. */
async function keyManagers(bed: Testbed): Promise<Map<number, { port: number; grpcPort: number }>> {
  const sae = [1, 2, 3, 4].map((number) => `node-${number}=kme-${number}`);
  for (const [from, to] of PAIRS) {
    const names = [`kme-${from}`, `kme-${to}`].toSorted().join("+");
    await writeFile(join(bed.directory, `${names}.secret`), Buffer.alloc(32, 16 * from + to));
  }
  const started = new Map<number, { port: number; grpcPort: number }>();
  for (const number of [4, 3, 2, 1]) {
    const peers = PAIRS.filter(([from]) => from === number);
    const peer = peers.map(([, to]) => `kme-${to}=localhost:${started.get(to)!.grpcPort}`);
    const { addresses } = await bed.kme(`kme-${number}`, { sae, peer, ...SOON });
    started.set(number, addresses);
  }
  return started;
}

async function listen(bed: Testbed, port: number, peer: string): Promise<void> {
  const identity = await bed.identity({ role: "operator", instance: "operator" });
  using client = peerClient(KmeService, { host: "localhost", port }, "kme", identity);
  await client.setEavesdropper({ peer, share: 1 });
}

const nextHopTo =
  (origin: string) =>
  ({ routes }: GetStatusResponse): string | undefined =>
    routes.find((route) => route.origin === origin)?.nextHop;
