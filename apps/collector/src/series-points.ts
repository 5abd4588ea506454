/** Points of a camera's metrics: from blocks, then from memory. */
import { RpcError } from "@glassline/proto/errors";

import type { BlockStore } from "./blocks/block-store.ts";
import type { Found, SeriesPoints, Wanted } from "./blocks/chunk-points.ts";
import { pointsFor } from "./blocks/chunk-points.ts";
import type { Fleet } from "./core/fleet.ts";
import { inOrder } from "./core/points.ts";
import { thin } from "./core/thin.ts";

/** How many points are held, of all series together, beside those of one block and those of memory; 16 bytes each. */
export interface PointBound {
  points: number;
  beyond: "thin" | "refuse";
}

export interface PointDeps {
  fleet: Fleet;
  blocks: BlockStore;
}

export interface OrderedPoints extends SeriesPoints {
  /** There were more: thinned to fit into memory. */
  isThinned: boolean;
}

/** All series of the metrics, their points in order of time. Rejects with RpcError, or the signal's reason when it is aborted. */
export async function seriesPoints(
  { fleet, blocks }: PointDeps,
  wanted: Wanted,
  signal: AbortSignal,
  bound: PointBound,
): Promise<OrderedPoints[]> {
  const { table } = fleet;
  const camera = fleet.cameras.get(wanted.cameraId);
  const ofMetric = (camera ? table.slotsOfCamera(camera) : [])
    .map((slot) => ({ slot, series: table.series(slot) }))
    .filter(({ series }) => wanted.metrics.includes(series.metric));
  const slots = ofMetric.map(({ slot }) => slot);
  // Blocks may be waited for: what memory lets go meanwhile is taken now.
  const beforeIndex = fleet.recent.firstIndex;
  const recent = fleet.recentPoints(slots, wanted.from, wanted.to);
  const found: Found = new Map();
  let isThinned = false;
  for await (const ofBlock of blocks.points(wanted, beforeIndex, signal)) {
    for (const { series, points } of ofBlock.values()) pointsFor(series, found).append(points);
    if (!isBeyond(found, wanted, bound)) continue;
    isThinned = true;
    for (const one of found.values())
      one.points = thin(one.points, Math.ceil(one.points.length / 2));
  }
  for (const { slot, series } of ofMetric) pointsFor(series, found).append(recent.get(slot)!);
  isBeyond(found, wanted, bound);
  return Array.from(found.values(), ({ series, points }) => ({
    series,
    points: inOrder(points),
    isThinned,
  }));
}

/** Throws RpcError when that is refused. */
function isBeyond(found: Found, { cameraId, metrics }: Wanted, { points, beyond }: PointBound) {
  const held = found.values().reduce((sum, one) => sum + one.points.length, 0);
  if (held <= points) return false;
  if (beyond === "thin") return true;
  throw new RpcError(
    "resource_exhausted",
    `${metrics.join(", ")} of camera ${cameraId}: got more than ${points} points, expected at most so many: ask for a shorter time`,
  );
}
