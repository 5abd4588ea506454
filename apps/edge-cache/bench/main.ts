/** `npm run bench -w @glassline/edge-cache`: the edge beside nginx, Varnish and Traffic Server, as lines of JSON. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { askedParts } from "@glassline/bench/parts";
import { GENERATOR_CORE, pinGenerator, startPinned } from "@glassline/bench/pinned-process";
import { freePort } from "@glassline/bench/ports";

import { measureAccess } from "./access.ts";
import { measureCluster } from "./cluster.ts";
import { measureConnections } from "./connections.ts";
import { measureEviction } from "./eviction.ts";
import { measureLiveEdge } from "./live-edge.ts";
import { measureMemory } from "./memory.ts";
import { measureNewPart } from "./new-part.ts";
import { measureRestart } from "./restart.ts";
import type { Running } from "./running.ts";
import { SYSTEMS, startIn } from "./systems.ts";
import { measurePurge } from "./purge.ts";
import { measureThroughput } from "./throughput.ts";
import { measureTls } from "./tls.ts";

const PARTS = {
  throughput: measureThroughput,
  tls: measureTls,
  connections: measureConnections,
  parts: measureNewPart,
  eviction: measureEviction,
  purge: measurePurge,
  cluster: measureCluster,
  "live-edge": measureLiveEdge,
  restart: measureRestart,
  memory: measureMemory,
  access: measureAccess,
} as const;
type Part = keyof typeof PARTS;

const purpose =
  "Measures the edge beside nginx, Varnish and Traffic Server, where they are installed; needs wrk and h2load.";
const asked = askedParts("edge-cache", purpose, PARTS);
if (asked) await main(asked.isQuick, asked.parts);

async function main(isQuick: boolean, parts: readonly Part[]): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), "glassline-bench-"));
  stack.defer(() => rm(directory, { recursive: true, force: true }));
  pinGenerator();
  const originPort = await freePort();
  const origin = fileURLToPath(new URL("origin.ts", import.meta.url));
  const cores = [GENERATOR_CORE];
  stack.use(
    await startPinned({
      words: [process.execPath, origin, String(originPort)],
      ports: [originPort],
      cores,
    }),
  );
  const running: Running[] = [];
  for (const system of SYSTEMS)
    running.push(stack.use(await startIn(system, directory, originPort)));
  const place = { directory, originPort: originPort };
  for (const part of parts) await PARTS[part](running, isQuick, place);
}
