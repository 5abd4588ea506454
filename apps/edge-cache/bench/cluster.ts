/** Three edges in front of one origin: how often it is asked for each object, also while one of them is killed; and purges. */
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { median } from "@glassline/bench/median";
import { about, report } from "@glassline/bench/report";

import type { Edge } from "./edges.ts";
import { ask, settled, startEdges } from "./edges.ts";
import { Viewer } from "./viewer.ts";

const BENCH = "edge-cluster";
const EDGES = 3;
const VIEWERS = 100;
const PURGES = { full: 100, quick: 5 } as const;
/** Stored again before each purge but the first, which finds all. */
const REFILLED = 1_000;

export async function measureCluster(_systems: unknown, isQuick: boolean): Promise<void> {
  const objects = isQuick ? 500 : 100_000;
  about(
    BENCH,
    `${VIEWERS} viewers on ${EDGES} edges, each on a connection of its own, ask for the same ${objects} objects one after the other. Goals: the origin is asked 1.000 times for each; 1.02 while ` +
      `an edge is killed in the middle, whose viewers go on at the next one. Purges: of a tag that all objects have, over the administration of one edge, until all have done it; the first finds all objects, each of the others ${REFILLED} that every edge has got again; goal 100 ms (p99). All edges share one core, the viewers and the origin the other one.`,
  );
  for (const kills of [false, true])
    await measure(kills, objects, isQuick ? PURGES.quick : PURGES.full);
}

async function measure(kills: boolean, objects: number, purges: number): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), "glassline-bench-"));
  stack.defer(() => rm(directory, { recursive: true, force: true }));
  const origin = stack.use(await startOrigin());
  const edges = await startEdges(directory, EDGES, origin.port, ["--memory=1GiB"]);
  for (const { process } of edges) stack.use(process);
  await settled(edges);
  let [requests, wrong, errors, killed] = [0, 0, 0, !kills];
  const watch = async (number: number) => {
    let at = number % EDGES;
    let viewer = await Viewer.to(edges[at]!.port);
    for (let object = 0; object < objects; object++) {
      if (!killed && object === objects / 2) {
        killed = true;
        void edges[1]!.process[Symbol.asyncDispose]();
      }
      for (;;) {
        try {
          requests++;
          const { status, body } = await viewer.get(pathOf(object));
          if (status !== 200 || body !== bodyOf(object)) wrong++;
          break;
        } catch {
          errors++;
          at = (at + 1) % EDGES;
          viewer = await Viewer.to(edges[at]!.port);
        }
      }
    }
    viewer[Symbol.dispose]();
  };
  const startedMs = performance.now();
  await Promise.all(Array.from({ length: VIEWERS }, (_, number) => watch(number)));
  const params = { edges: EDGES, objects, viewers: VIEWERS, killed: kills };
  report(BENCH, "origin_fetches_per_object", origin.asked() / objects, "", params);
  report(BENCH, "wrong_answers", wrong, "", params);
  if (kills) report(BENCH, "cut_connections", errors, "", params);
  report(BENCH, "requests", (1_000 * requests) / (performance.now() - startedMs), "1/s", params);
  if (!kills) await measurePurges(edges, objects, purges);
}

async function measurePurges(
  edges: readonly Edge[],
  objects: number,
  purges: number,
): Promise<void> {
  const times: number[] = [];
  // Its connection is not part of a purge.
  await ask(edges[0]!, "GetStatus", {});
  for (let round = 0; round < purges; round++) {
    if (round > 0)
      await Promise.all(edges.map((edge) => refill(edge, Math.min(REFILLED, objects))));
    const fromMs = performance.now();
    const purged = await ask(edges[0]!, "Purge", { tag: "all", idempotencyKey: String(round) });
    times.push(performance.now() - fromMs);
    if ("pendingEdges" in purged)
      throw new Error(`purge: got ${JSON.stringify(purged)}, expected all`);
  }
  const params = { edges: EDGES, objects, purges };
  report(BENCH, "purge_first", times[0]!, "ms", params);
  times.sort((a, b) => a - b);
  report(BENCH, "purge_p50", median(times), "ms", params);
  report(BENCH, "purge_p99", times[Math.ceil(0.99 * purges) - 1]!, "ms", params);
  report(BENCH, "purge_worst", times.at(-1)!, "ms", params);
}

async function refill({ port }: Edge, objects: number): Promise<void> {
  using viewer = await Viewer.to(port);
  for (let object = 0; object < objects; object++) await viewer.get(pathOf(object));
}

const pathOf = (object: number) => `/vod/${object}.m4s`;
const bodyOf = (object: number) => `object ${object} `.padEnd(256, ".");

async function startOrigin(): Promise<AsyncDisposable & { port: number; asked: () => number }> {
  let asked = 0;
  const server = createServer(({ url = "" }, response) => {
    asked++;
    const body = bodyOf(Number(/(\d+)\.m4s$/.exec(url)?.[1]));
    response.setHeader("cache-control", "max-age=3600").setHeader("cache-tag", "all").end(body);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    asked: () => asked,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
