import type { Point } from "./points.ts";

/**
 * At most `maxPoints` of the points, keeping the least and the greatest of each of maxPoints / 2 intervals of equal count, so
 * that no spike is lost to the eye. Bits and order of what is kept are unchanged. 0: no bound.
 */
export function thin(points: Point[], maxPoints: number): Point[] {
  if (maxPoints === 0 || points.length <= maxPoints) return points;
  if (maxPoints === 1) return points.slice(-1);
  const buckets = Math.floor(maxPoints / 2);
  const kept: Point[] = [];
  for (let bucket = 0; bucket < buckets; bucket++) {
    const from = Math.floor((bucket * points.length) / buckets);
    const to = Math.floor(((bucket + 1) * points.length) / buckets);
    kept.push(...extremes(points, from, to));
  }
  return kept;
}

/** The least and the greatest of points[from, to), in their order; one point if they are the same. */
function extremes(points: Point[], from: number, to: number): Point[] {
  let [least, greatest] = [from, from];
  for (let at = from + 1; at < to; at++) {
    if (points[at]!.value < points[least]!.value) least = at;
    if (points[at]!.value > points[greatest]!.value) greatest = at;
  }
  if (least === greatest) return [points[least]!];
  return [points[Math.min(least, greatest)]!, points[Math.max(least, greatest)]!];
}
