/** A mesh whose links need QKD keys: key managers with a quantum link between them, sealed records over UDP, and a camera's samples at a collector. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";

import { freePort } from "@glassline/bench/ports";
import {
  InMemorySpanExporter,
  SimpleSpanProcessor,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { countedValues, countingSource } from "./testing/sources.ts";
import { Testbed, eventually } from "./testing/testbed.ts";

const ROUTER = "mesh-node/src/router.ts";
const CAMERA = "cam-quantum";
/** Soon a key, on any machine. */
const SOON = {
  "frame-interval": "5ms",
  block: 15_000,
  "length-km": 5,
}; /** Photons are simulated on the same processors. */
const PATIENCE_MS = 100_000;

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

const linksOf = async (port: number) => (await bed.meshStatus(port)).links;

/** A metric without labels of its own, as Prometheus reads it. */
async function metricOf(adminPort: number, name: string): Promise<number> {
  const text = await (await fetch(`http://localhost:${adminPort}/metrics`)).text();
  return Number(new RegExp(`^${name}\\{[^}]*\\} (\\d+)$`, "m").exec(text)?.[1]);
}

/** Two nodes, a camera at the first one and a collector at the second one; resolves when what the camera says is stored. */
async function store(
  mode: string,
  { intervalMs, samples }: { intervalMs: number; samples: number },
  linkIsReady: (gatewayPort: number) => Promise<boolean> = async () => true,
) {
  const collector = await bed.collector();
  const [relayPort, gatewayPort] = [await freePort(), await freePort()];
  const sealed = { links: "udp", mode, "allow-simulated-keys": true } as const;
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
  const ready = async () => (await linkIsReady(gatewayPort)) || undefined;
  await eventually("the link is ready", ready, PATIENCE_MS);
  const source = countingSource(CAMERA, { perReport: 20, intervalMs });
  await bed.camera(CAMERA, gatewayPort, [source], { "trace-ratio": 1 });
  const query = await bed.query(collector.addresses.port);
  const values = () => countedValues(query, CAMERA);
  const some = async () => (await values()).length >= samples || undefined;
  await eventually("samples arrive", some, PATIENCE_MS);
  source.finish();
  const whole = async () => {
    const stored = await values();
    return stored.length >= source.yielded ? stored : undefined;
  };
  const all = await eventually("all samples are stored", whole, PATIENCE_MS);
  expect(all).toEqual(Array.from({ length: source.yielded }, (_, at) => at + 1));
  return { collector, ports: [gatewayPort, relayPort] };
}

describe("a mesh whose links need QKD keys", { timeout: 60_000 }, () => {
  test("brings samples to a collector, and tells what the keys come from", async () => {
    const { collector, ports } = await store("qkd-required", { intervalMs: 10, samples: 1_000 });
    const { adminPort } = collector.addresses;
    expect(await metricOf(adminPort, "glassline_otqmn_sealed_streams_total")).toBe(1);
    const received = exporter
      .getFinishedSpans()
      .find(({ name }) => name === "collector/src/receivers/batch-intake.ts");
    expect(received?.attributes).toMatchObject({
      "quantum.path.hops": 1,
      "quantum.path.key_sources": ["sim"],
      "quantum.path.simulated": true,
    });
    const created = exporter
      .getFinishedSpans()
      .filter(({ name }) => name === "camera/src/agent.ts")
      .map((span) => span.spanContext().spanId);
    expect(created).toContain(received?.links[0]?.context.spanId);
    const hop = exporter
      .getFinishedSpans()
      .find(({ name, attributes }) => name === ROUTER && attributes["quantum.link.qber"]);
    const { "quantum.link.qber": qber, "quantum.link.fidelity": fidelity } = hop!.attributes;
    expect(fidelity).toBeCloseTo(1 - (3 * Number(qber)) / 2, 9);
    for (const port of ports)
      expect(await linksOf(port)).toMatchObject([{ keyExchange: "X-Wing", keySource: "sim" }]);
  });

  test(
    "brings them under one-time pads, as fast as there are some",
    { timeout: 240_000 },
    async () => {
      // To agree on keys from end to end takes most of it.
      const hasPads = async (port: number) => (await linksOf(port))[0]!.padBytes! >= 6_000n;
      const { ports } = await store("otp", { intervalMs: 500, samples: 60 }, hasPads);
      for (const port of ports)
        expect((await linksOf(port))[0]).toMatchObject({
          keySource: "sim",
          padsLastS: expect.any(Number),
        });
    },
  );

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
