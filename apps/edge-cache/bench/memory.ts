/** What an edge needs for each object beside its body. */
import { Agent, request } from "node:http";

import { about, report } from "@glassline/bench/report";

import { SMALL_BYTES, smallPath } from "./origin.ts";
import type { Running } from "./running.ts";

const BENCH = "edge-memory";
const CONNECTIONS = 32;
/** Asked for before: what the first requests need is no matter of objects. */
const WARMUP = 5_000;
/** Until what was needed on the way has been given back. */
const REST_MS = 3_000;
const MIB = 1_048_576;

export async function measureMemory(systems: readonly Running[], isQuick: boolean): Promise<void> {
  about(
    BENCH,
    "Proportional memory of the edge's process (PSS) that 100,000 objects of 1 kB need beside their bodies, with five header fields of the origin each. Goal: 60 MiB. " +
      "What bounds it: some 760 bytes an object are V8's, most of them headers of small objects: the view of the body 104, the response, its fields and their list 240, the moments of its question and answer 96, " +
      "key, queue and map 180, its tags and purges the rest. Bodies up to 4 KiB share slabs of 64 KiB; memory of their own would take 320 bytes more.",
  );
  const system = systems.find(({ name }) => name === "glassline")!;
  const objects = isQuick ? 2_000 : 100_000;
  await askAll(system.port, 0, isQuick ? objects : WARMUP);
  await rest();
  const before = system.process.memory().proportionalBytes;
  await askAll(system.port, WARMUP, objects);
  await rest();
  const after = system.process.memory().proportionalBytes;
  const beside = after - before - objects * SMALL_BYTES;
  const params = { objects, system: system.name };
  report(BENCH, "beside_bodies", beside / MIB, "MiB", params);
  report(BENCH, "per_object", beside / objects, "By", params);
}

const rest = () => new Promise((resolve) => setTimeout(resolve, REST_MS));

async function askAll(port: number, first: number, count: number): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  let next = first;
  const one = async () => {
    while (next < first + count) await get(port, smallPath(next++), agent);
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, one));
  agent.destroy();
}

function get(port: number, path: string, agent: Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: "127.0.0.1", port, path, agent }, (response) => {
      response.resume().once("error", reject).once("end", resolve);
      if (response.statusCode !== 200) reject(new Error(`${path}: got ${response.statusCode}`));
    });
    asked.once("error", reject).end();
  });
}
