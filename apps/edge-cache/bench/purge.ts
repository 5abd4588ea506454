/** Purging many objects at once in the memory store. */
import { median } from "@glassline/bench/median";
import { about, report } from "@glassline/bench/report";

import { Fields } from "../src/core/http/fields.ts";
import { Purges } from "../src/core/purges.ts";
import { MemoryStore } from "../src/stores/memory-store.ts";

const BENCH = "edge-purge";
const OBJECTS = 100_000;
const BODY = Buffer.alloc(100, "b");
const POLICY = {
  lifetimeMs: 3_600_000,
  noCache: false,
  mustRevalidate: false,
  staleWhileRevalidateMs: 0,
  staleIfErrorMs: undefined,
};

export async function measurePurge(_systems: unknown, isQuick: boolean): Promise<void> {
  const rounds = isQuick ? 3 : 100;
  about(
    BENCH,
    `A tag that ${OBJECTS} objects have is purged, ${rounds} times, until nobody is given one of them any more. Their memory is freed afterwards, by and by: the time that all looks at them take together. Goal: 1 ms (p99).`,
  );
  const times: number[] = [];
  const freed: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const purges = new Purges();
    const store = new MemoryStore(1_073_741_824, { purges, nowMs: () => performance.now() });
    fill(store);
    const fromMs = performance.now();
    const purge = { target: { tag: "all" }, isSoft: false } as const;
    purges.add(purge);
    const { objects } = await store.purged(purge);
    times.push(performance.now() - fromMs);
    if (objects !== OBJECTS || store.get("/vod/7.m4s").length > 0)
      throw new Error(`purged: got ${objects} objects, expected ${OBJECTS}`);
    while (store.objects > 0) await new Promise((resolve) => setImmediate(resolve));
    freed.push(performance.now() - fromMs);
  }
  times.sort((a, b) => a - b);
  report(BENCH, "purge_p50", median(times), "ms", { objects: OBJECTS });
  report(BENCH, "purge_p99", times[Math.ceil(0.99 * rounds) - 1]!, "ms", { objects: OBJECTS });
  report(BENCH, "purge_worst", times.at(-1)!, "ms", { objects: OBJECTS });
  report(BENCH, "freed", Math.max(...freed), "ms", { objects: OBJECTS });
}

function fill(store: MemoryStore): void {
  for (let number = 0; number < OBJECTS; number++)
    store.set(`/vod/${number}.m4s`, {
      status: 200,
      fields: new Fields([["content-type", "video/mp4"]]),
      selecting: new Map(),
      policy: POLICY,
      bornMs: 0,
      body: BODY,
      part: undefined,
      tags: ["all"],
      since: 0,
    });
}
