import { Points } from "./points.ts";

/**
 * At most `maxPoints` of the points, keeping the least and the greatest of each of maxPoints / 2 intervals of equal count, so
 * that no spike is lost to the eye. Bits and order of what is kept are unchanged. 0: no bound.
 */
export function thin(points: Points, maxPoints: number): Points {
  const { length } = points;
  if (maxPoints === 0 || length <= maxPoints) return points;
  const kept = new Points();
  if (maxPoints === 1) keep(points, length - 1, kept);
  const buckets = Math.floor(maxPoints / 2);
  kept.reserve(2 * buckets);
  for (let bucket = 0; bucket < buckets; bucket++) {
    const from = Math.floor((bucket * length) / buckets);
    const to = Math.floor(((bucket + 1) * length) / buckets);
    keepExtremes(points, from, to, kept);
  }
  return kept;
}

/** The least and the greatest of points[from, to), in their order; one point if they are the same. */
function keepExtremes(points: Points, from: number, to: number, kept: Points): void {
  const { values } = points;
  let [least, greatest] = [from, from];
  for (let at = from + 1; at < to; at++) {
    if (values[at]! < values[least]!) least = at;
    if (values[at]! > values[greatest]!) greatest = at;
  }
  keep(points, Math.min(least, greatest), kept);
  if (least !== greatest) keep(points, Math.max(least, greatest), kept);
}

function keep({ times, values }: Points, at: number, kept: Points): void {
  kept.add(times[2 * at]!, times[2 * at + 1]!, values[at]!);
}
