/** The points of one camera's metric in a chunk of a block. */
import type { Series } from "@glassline/otqmn/sample";
import { seriesId } from "@glassline/otqmn/sample";
import { decodeBundle } from "@glassline/otqmn/whole-bundle";
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
  const { series, seriesIndex, timeUnixNano, value } = decodeBundle(bytes);
  const targets = series.map((one) =>
    one.cameraId === cameraId && metrics.includes(one.metric) ? pointsFor(one, found) : undefined,
  );
  const times = new TimeRange(from, to);
  const words = new Uint32Array(timeUnixNano.buffer, timeUnixNano.byteOffset);
  for (let at = 0; at < value.length; at++) {
    const points = targets[seriesIndex[at]!];
    if (!points) continue;
    const [low, high] = [words[2 * at]!, words[2 * at + 1]!];
    if (times.has(low, high)) points.add(low, high, value[at]!);
  }
}

export function pointsFor(series: Series, found: Found): Points {
  const id = seriesId(series);
  let known = found.get(id);
  if (!known) found.set(id, (known = { series, points: new Points() }));
  return known.points;
}
