/** A mesh whose links need QKD keys: key managers with a quantum link between them, sealed records over UDP, and a camera's samples at a collector. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";

import { freePort } from "@glassline/bench/ports";
import { MeshAdminService } from "@glassline/proto/mesh";
import { peerClient } from "@glassline/service/peer-client";
import {
  InMemorySpanExporter,
  SimpleSpanProcessor,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { COUNTED_METRIC, countingSource } from "./testing/sources.ts";
import { Testbed, eventually } from "./testing/testbed.ts";

const CAMERA = "cam-quantum";
/** Soon a key, on any machine. */
const SOON = { "frame-interval": "5ms", block: 15_000, "length-km": 5 };

const exporter = new InMemorySpanExporter();
const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
let bed: Testbed;
let keyManagers: Record<"kme-1" | "kme-2", string>;
beforeEach(async () => {
  exporter.reset();
  bed = await Testbed.open({ tracerProviderOf: () => provider });
  await writeFile(join(bed.directory, "kme-1+kme-2.secret"), Buffer.alloc(32, 7));
  const sae = ["node-1=kme-1", "node-2=kme-2"];
  const second = await bed.kme("kme-2", { sae, ...SOON });
  const peer = `kme-2=localhost:${second.addresses.grpcPort}`;
  const first = await bed.kme("kme-1", { sae, peer, ...SOON });
  keyManagers = {
    "kme-1": `kme-1=localhost:${first.addresses.port}`,
    "kme-2": `kme-2=localhost:${second.addresses.port}`,
  };
});
afterEach(() => bed[Symbol.asyncDispose]());

async function linksOf(port: number) {
  const identity = await bed.identity({ role: "operator", instance: "operator" });
  const at = { host: "localhost", port };
  using client = peerClient(MeshAdminService, at, "mesh-node", identity);
  return (await client.getStatus({})).links;
}

/** A metric without labels of its own, as Prometheus reads it. */
async function metricOf(adminPort: number, name: string): Promise<number> {
  const text = await (await fetch(`http://localhost:${adminPort}/metrics`)).text();
  return Number(new RegExp(`^${name}\\{[^}]*\\} (\\d+)$`, "m").exec(text)?.[1]);
}

describe("a mesh whose links need QKD keys", { timeout: 60_000 }, () => {
  test("brings samples to a collector, and tells what the keys come from", async () => {
    const collector = await bed.collector();
    const [relayPort, gatewayPort] = [await freePort(), await freePort()];
    const sealed = { links: "udp", mode: "qkd-required", "allow-simulated-keys": true } as const;
    await bed.meshNode("node-2", {
      ...sealed,
      port: relayPort,
      "key-manager": keyManagers["kme-2"],
      collector: `localhost:${collector.addresses.port}`,
    });
    await bed.meshNode("node-1", {
      ...sealed,
      port: gatewayPort,
      "key-manager": keyManagers["kme-1"],
      peer: `node-2=localhost:${relayPort}`,
      gateway: true,
    });
    const source = countingSource(CAMERA, { perReport: 20, intervalMs: 10 });
    await bed.camera(CAMERA, gatewayPort, [source], { "trace-ratio": 1 });
    const query = await bed.query(collector.addresses.port);
    const values = async () => {
      const range = await query.queryRange({ cameraId: CAMERA, metric: COUNTED_METRIC });
      return range.series[0]?.value ?? [];
    };
    await eventually("samples arrive", async () => (await values()).length >= 1_000 || undefined);
    source.finish();
    const all = await eventually("all samples are stored", async () => {
      const stored = await values();
      return stored.length >= source.yielded ? stored : undefined;
    });
    expect(all).toEqual(Array.from({ length: source.yielded }, (_, at) => at + 1));
    expect(
      await metricOf(collector.addresses.adminPort, "glassline_otqmn_sealed_streams_total"),
    ).toBe(1);
    const received = exporter
      .getFinishedSpans()
      .find(({ name }) => name === "collector/src/receivers/batch-intake.ts");
    expect(received?.attributes).toMatchObject({
      "quantum.path.hops": 1,
      "quantum.path.key_sources": ["sim"],
      "quantum.path.simulated": true,
    });
    for (const port of [gatewayPort, relayPort])
      expect(await linksOf(port)).toMatchObject([{ keyExchange: "X-Wing", keySource: "sim" }]);
  });

  test("has no link where simulated keys are not allowed, and one where they need not count", async () => {
    const ports = await Promise.all([freePort(), freePort(), freePort()]);
    const strict = { links: "udp", mode: "qkd-required" };
    await bed.meshNode("node-2", {
      ...strict,
      port: ports[1]!,
      "key-manager": keyManagers["kme-2"],
    });
    await bed.meshNode("node-1", {
      ...strict,
      port: ports[0]!,
      "key-manager": keyManagers["kme-1"],
      peer: `node-2=localhost:${ports[1]}`,
    });
    await bed.meshNode("node-3", { links: "udp", port: ports[2]! });
    await bed.meshNode("node-4", { links: "udp", peer: `node-3=localhost:${ports[2]}` });
    await eventually(
      "nodes without key managers have a link",
      async () => (await linksOf(ports[2]!)).length > 0 || undefined,
    );
    expect(await linksOf(ports[2]!)).toMatchObject([{ keySource: "x-wing" }]);
    // Long enough for some tries.
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    expect([await linksOf(ports[0]!), await linksOf(ports[1]!)]).toEqual([[], []]);
  });
});
