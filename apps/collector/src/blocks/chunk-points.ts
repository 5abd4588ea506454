/** The points of one camera's metric in a chunk of a block. */
import { BundleReader } from "@glassline/otqmn/bundle-reader";
import type { Series } from "@glassline/otqmn/sample";
import { seriesId } from "@glassline/otqmn/sample";
import type { BlockChunk } from "@glassline/proto/storage";

import { Points, TimeRange } from "../core/points.ts";

/** What is asked of one camera: from <= time < to. */
export interface Wanted {
  cameraId: string;
  metrics: readonly string[];
  from: bigint;
  to: bigint;
  /** Only from blocks in which the camera has points of this moment or later. */
  besides?: bigint;
}

export interface SeriesPoints {
  series: Series;
  /** In order of arrival. */
  points: Points;
}

/** By the text that `seriesId` gives. */
export type Found = Map<string, SeriesPoints>;

/** Those of a block's chunks that may hold something of it. */
export function chunksFor(
  chunks: readonly BlockChunk[],
  { cameraId, from, to, besides }: Wanted,
): BlockChunk[] {
  const ofCamera = chunks.filter(
    ({ firstCamera, lastCamera }) => firstCamera <= cameraId && cameraId <= lastCamera,
  );
  const isLate = ({ greatestTimeUnixNano }: BlockChunk) => greatestTimeUnixNano >= besides!;
  if (besides !== undefined && !ofCamera.some(isLate)) return [];
  return ofCamera.filter(
    ({ leastTimeUnixNano, greatestTimeUnixNano }) =>
      leastTimeUnixNano < to && greatestTimeUnixNano >= from,
  );
}

/** Adds what a chunk holds to what was found. */
export function collectChunk(
  bytes: Uint8Array,
  { cameraId, metrics, from, to }: Wanted,
  found: Found,
): void {
  const { newSeries, points } = new BundleReader().read(bytes);
  const { column, groupEnd, floats: value, groupTime: words } = points;
  const targets = newSeries.map((one) =>
    one.cameraId === cameraId && metrics.includes(one.metric) ? pointsFor(one, found) : undefined,
  );
  const times = new TimeRange(from, to);
  let at = 0;
  for (let group = 0; group < groupEnd.length; group++) {
    const end = groupEnd[group]!;
    const [low, high] = [words[2 * group]!, words[2 * group + 1]!];
    if (!times.has(low, high)) at = end;
    for (; at < end; at++) targets[column[at]!]?.add(low, high, value[at]!);
  }
}

export function pointsFor(series: Series, found: Found): Points {
  const id = seriesId(series);
  let known = found.get(id);
  if (!known) found.set(id, (known = { series, points: new Points() }));
  return known.points;
}
