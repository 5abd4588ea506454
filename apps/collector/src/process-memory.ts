/** The memory of this process, looked at once a second. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

import type { Clock } from "@glassline/service/clock";
import { every } from "@glassline/service/clock";

import type { Fleet } from "./core/fleet.ts";
import type { Closable } from "./core/memory-limit.ts";
import { MemoryLimit } from "./core/memory-limit.ts";
import type { CollectorMetrics } from "./metrics.ts";

const INTERVAL_MS = 1_000;

export interface Holders {
  fleet: Fleet;
  clock: Clock;
  metrics: CollectorMetrics;
}

/** @param maxBytes 0: no limit. */
export function limitMemory(
  maxBytes: number,
  { fleet, clock, metrics }: Holders,
  stack: AsyncDisposableStack,
): Closable {
  const limit = new MemoryLimit(maxBytes, {
    usedBytes,
    shed: () => fleet.shed(),
    collect,
  });
  const stop = new AbortController();
  stack.defer(() => stop.abort());
  void every(clock, INTERVAL_MS, stop.signal, () => {
    metrics.memoryUsed.set(usedBytes());
    limit.look(clock.monotonicMs());
  });
  return limit;
}

function usedBytes(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** V8's full collection. */
function collect(): void {
  setFlagsFromString("--expose-gc");
  const all = runInNewContext("gc") as () => void;
  setFlagsFromString("--no-expose-gc");
  all();
}
