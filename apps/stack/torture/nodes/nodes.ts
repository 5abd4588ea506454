/** SIGKILL of random nodes while cameras report: what a gateway has acknowledged is stored, each once. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import type { Progress } from "@glassline/bench/progress";

import { COUNTED_METRIC, countingSource } from "../../src/testing/sources.ts";
import type { CountingSource } from "../../src/testing/sources.ts";
import { Testbed, eventually } from "../../src/testing/testbed.ts";
import { GATEWAYS, Mesh, NODES } from "./mesh.ts";
import type { NodeName } from "./mesh.ts";

export interface Tortured {
  kills: number;
  points: number;
  lost: number;
  twice: number;
  /** From the end of the kills until all was stored. */
  drainedMs: number;
}

const CAMERAS_A_GATEWAY = 2;
const REPORT = { perReport: 20, intervalMs: 20 };
/** How long a node is away, and between two kills: at most. Two or three are away at once, now and then. */
const AWAY_MS = 1_500;
const PAUSE_MS = 1_500;
const DRAIN_MS = 120_000;
/** Of one query. */
const WINDOW_NANO = 20_000_000_000n;

export async function torture(
  { kills, links }: { kills: number; links: string },
  random: () => number,
  progress: Progress,
  stopping: AbortSignal,
): Promise<Tortured> {
  await using stack = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), "glassline-nodes-"));
  stack.defer(() => rm(directory, { recursive: true, force: true, maxRetries: 10 }));
  const mesh = stack.use(await Mesh.start(directory, links));
  const bed = stack.use(await Testbed.open({ pkiDirectory: mesh.pkiDirectory }));
  const beginNano = BigInt(Date.now()) * 1_000_000n;
  const sources = await cameras(bed, mesh);
  const killed = await killSome(mesh, kills, random, progress, stopping);
  for (const source of sources.values()) source.finish();
  const points = [...sources.values()].reduce((sum, { yielded }) => sum + yielded, 0);
  progress.say(`${points} points: waiting until they are stored`);
  const doneMs = performance.now();
  const query = await bed.query(mesh.collector.port);
  const stored = (cameraId: string) => valuesOf(query, cameraId, beginNano);
  const isAll = async () => {
    for (const [cameraId, { yielded }] of sources)
      if ((await stored(cameraId)).length < yielded) return undefined;
    return true;
  };
  await eventually("all points are stored", isAll, DRAIN_MS).catch(() => {});
  const drainedMs = performance.now() - doneMs;
  let [lost, twice] = [0, 0];
  for (const [cameraId, { yielded }] of sources) {
    const values = await stored(cameraId);
    const distinct = new Set(values);
    lost += yielded - distinct.size;
    twice += values.length - distinct.size;
  }
  // What queries show once may have been stored twice.
  const counted = await storedPoints(mesh.collector.adminPort);
  return { kills: killed, points, lost, twice: Math.max(twice, counted - points), drainedMs };
}

async function cameras(bed: Testbed, mesh: Mesh): Promise<Map<string, CountingSource>> {
  const sources = new Map<string, CountingSource>();
  for (const gateway of GATEWAYS)
    for (let number = 1; number <= CAMERAS_A_GATEWAY; number++) {
      const cameraId = `${gateway}-cam-${number}`;
      const source = countingSource(cameraId, REPORT);
      await bed.camera(cameraId, mesh.portOf(gateway), [source]);
      sources.set(cameraId, source);
    }
  return sources;
}

/** @returns how many. */
async function killSome(
  mesh: Mesh,
  kills: number,
  random: () => number,
  progress: Progress,
  stopping: AbortSignal,
): Promise<number> {
  const away = new Map<NodeName, Promise<void>>();
  let done = 0;
  for (; done < kills && !stopping.aborted; done++) {
    await delay(random() * PAUSE_MS);
    const victim = NODES[Math.floor(random() * NODES.length)]!;
    await away.get(victim);
    await mesh.kill(victim);
    away.set(
      victim,
      delay(random() * AWAY_MS).then(() => mesh.startNode(victim)),
    );
    progress.tell(`${done + 1} of ${kills} kills`);
  }
  await Promise.all(away.values());
  return done;
}

async function valuesOf(
  query: Awaited<ReturnType<Testbed["query"]>>,
  cameraId: string,
  beginNano: bigint,
): Promise<number[]> {
  const values: number[] = [];
  const endNano = BigInt(Date.now()) * 1_000_000n;
  for (let from = beginNano; from < endNano; from += WINDOW_NANO) {
    const window = { fromUnixNano: from, toUnixNano: from + WINDOW_NANO };
    const { series } = await query.queryRange({ cameraId, metric: COUNTED_METRIC, ...window });
    values.push(...(series[0]?.value ?? []));
  }
  return values;
}

async function storedPoints(adminPort: number): Promise<number> {
  const text = await (await fetch(`http://localhost:${adminPort}/metrics`)).text();
  const [, count] = /^glassline_points_stored_total\{[^}]*"otqmn"[^}]*\} (\d+)$/m.exec(text) ?? [];
  return Number(count);
}
