/** A small network for check plugins: a camera, two mesh nodes, a collector, an origin and an edge, in one process. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { identityFiles } from "@glassline/service/identity";

import { freePort } from "@glassline/bench/ports";
import { countingSource } from "./sources.ts";
import { Testbed } from "./testbed.ts";

const MONITOR = { role: "monitor", instance: "local" } as const;

export interface CheckedNetwork extends AsyncDisposable {
  bed: Testbed;
  /** With the certificate of a monitor. */
  pkiDir: string;
  origin: Awaited<ReturnType<Testbed["origin"]>>;
  edge: Awaited<ReturnType<Testbed["edge"]>>;
  edgeUrl: string;
  collector: Awaited<ReturnType<Testbed["collector"]>>;
  gateway: Awaited<ReturnType<Testbed["meshNode"]>>;
  relay: Awaited<ReturnType<Testbed["meshNode"]>>;
  camera: AsyncDisposable;
}

export async function openCheckedNetwork(): Promise<CheckedNetwork> {
  const bed = await Testbed.open();
  const pkiDir = join(bed.directory, "pki");
  await mkdir(pkiDir);
  const identity = await bed.identity(MONITOR);
  const files = identityFiles(pkiDir, MONITOR);
  await writeFile(files.ca, identity.ca);
  await writeFile(files.certificate, identity.certificate);
  await writeFile(files.privateKey, identity.privateKey, { mode: 0o600 });

  const origin = await bed.origin();
  const edgePort = await freePort();
  const edge = await bed.edge("edge-1", origin.addresses.port, { port: edgePort });
  const collector = await bed.collector({ "silence-limit": "1s" });
  const address = `localhost:${collector.addresses.port}`;
  const relay = await bed.meshNode("node-2", { collector: address });
  const peer = `node-2=localhost:${relay.addresses.port}`;
  const gateway = await bed.meshNode("node-1", { gateway: true, peer });
  const source = countingSource("cam-a", { perReport: 1, intervalMs: 50 });
  const camera = await bed.camera("agent-1", gateway.addresses.port, [source]);
  return {
    bed,
    pkiDir,
    origin,
    edge,
    collector,
    gateway,
    relay,
    camera,
    edgeUrl: `http://localhost:${edgePort}`,
    [Symbol.asyncDispose]: () => bed[Symbol.asyncDispose](),
  };
}
