/** The store of an edge: memory, and a disk behind it where one is wanted. */
import type { AppDeps } from "@glassline/service/app";

import type { EdgeCacheConfig } from "../config.ts";
import type { Purges } from "../core/purges.ts";
import type { EdgeMetrics } from "../metrics.ts";
import type { DiskStore } from "./disk/disk-store.ts";
import { MemoryStore } from "./memory-store.ts";
import type { Store } from "./store.ts";
import { TieredStore } from "./tiered-store.ts";

type StoreDeps = Pick<AppDeps, "clock" | "logger"> & { purges: Purges; metrics: EdgeMetrics };

/** @param stack that closes the disk. Fails with OperatorError. */
export async function openStore(
  config: EdgeCacheConfig,
  deps: StoreDeps,
  stack: AsyncDisposableStack,
): Promise<{ store: Store; disk: DiskStore | undefined }> {
  const { purges, clock, metrics } = deps;
  const nowMs = () => clock.monotonicMs();
  const evicted = () => metrics.evicted.inc();
  const memory = new MemoryStore(config.memory, { purges, nowMs, evicted });
  const disk = stack.use(await diskOf(config, deps, memory));
  return { store: disk ? new TieredStore(memory, disk, nowMs) : memory, disk };
}

/** Undefined: none is wanted. */
async function diskOf(
  { disk, diskSize }: EdgeCacheConfig,
  { purges, clock, logger, metrics }: StoreDeps,
  memory: MemoryStore,
): Promise<DiskStore | undefined> {
  if (disk === "") return undefined;
  const { openDisk, segmentBytesOf } = await import("./disk/open-disk.ts");
  return openDisk({
    directory: disk,
    maxBytes: diskSize,
    segmentBytes: segmentBytesOf(diskSize),
    purges,
    clock,
    logger,
    hotKeys: () => memory.keys(),
    read: (result) => {
      metrics.diskReads.inc({ result });
      if (result === "damaged") metrics.diskDamaged.inc();
    },
    dropped: (reason) => metrics.diskDropped.inc({ reason }),
  });
}
