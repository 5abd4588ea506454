/** Points of a camera's metric: from blocks, then from memory. */
import { seriesId } from "@glassline/otqmn/sample";

import type { BlockStore, SeriesPoints, Wanted } from "./blocks/block-store.ts";
import type { Fleet } from "./core/fleet.ts";
import { inOrder } from "./core/points.ts";

export interface PointDeps {
  fleet: Fleet;
  blocks: BlockStore;
}

/** All series of the metric, their points in order of time. Rejects with the signal's reason when it is aborted. */
export async function seriesPoints(
  { fleet, blocks }: PointDeps,
  wanted: Wanted,
  signal: AbortSignal,
): Promise<SeriesPoints[]> {
  const { table } = fleet;
  const ofMetric = (fleet.cameras.get(wanted.cameraId)?.slots ?? [])
    .map((slot) => ({ slot, series: table.series(slot) }))
    .filter(({ series }) => series.metric === wanted.metric);
  const slots = ofMetric.map(({ slot }) => slot);
  // Blocks may be waited for: what memory lets go meanwhile is taken now.
  const beforeIndex = fleet.recent.firstIndex;
  const recent = fleet.recentPoints(slots, wanted.from, wanted.to);
  const found = await blocks.points(wanted, beforeIndex, signal);
  for (const { slot, series } of ofMetric) {
    const older = found.get(seriesId(series))?.points ?? [];
    found.set(seriesId(series), { series, points: older.concat(recent.get(slot)!) });
  }
  return Array.from(found.values(), ({ series, points }) => ({ series, points: inOrder(points) }));
}
