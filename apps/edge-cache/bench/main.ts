/** `npm run bench -w @glassline/edge-cache`: the edge beside nginx, Varnish and Traffic Server, as lines of JSON. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { GENERATOR_CORE, pinGenerator, startPinned } from "@glassline/bench/pinned-process";

import { freePorts } from "@glassline/bench/ports";

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

const words = process.argv.slice(2);
const named = words.filter((word): word is Part => Object.hasOwn(PARTS, word));
if (words.includes("--help"))
  process.stdout
    .write(`Measures the edge beside nginx, Varnish and Traffic Server, where they are installed; needs wrk and h2load.

Usage: npm run bench -w @glassline/edge-cache -- [--quick] [${Object.keys(PARTS).join(" ")}]\n`);
else if (words.length > named.length + (words.includes("--quick") ? 1 : 0)) {
  process.stderr.write(
    `got ${words.join(" ")}, expected --quick, ${Object.keys(PARTS).join(", ")} or nothing\n`,
  );
  process.exitCode = 64;
} else
  await main(words.includes("--quick"), named.length > 0 ? named : (Object.keys(PARTS) as Part[]));

async function main(isQuick: boolean, parts: readonly Part[]): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), "glassline-bench-"));
  stack.defer(() => rm(directory, { recursive: true, force: true }));
  pinGenerator();
  const [originPort] = await freePorts(1);
  const origin = fileURLToPath(new URL("origin.ts", import.meta.url));
  const cores = [GENERATOR_CORE];
  stack.use(
    await startPinned({
      words: [process.execPath, origin, String(originPort)],
      ports: [originPort!],
      cores,
    }),
  );
  const running: Running[] = [];
  for (const system of SYSTEMS)
    running.push(stack.use(await startIn(system, directory, originPort!)));
  const place = { directory, originPort: originPort! };
  for (const part of parts) await PARTS[part](running, isQuick, place);
}
