/** Where to cut a picture into segments. Pure. */

/**
 * Cuts at keyframes into pieces of about the wanted length, all alike: no short rest at the end.
 * @param keyframesMs in order; the first is the start of the picture.
 * @returns starts of the segments, milliseconds; the first is that of the picture.
 */
export function cutPoints(
  keyframesMs: readonly number[],
  lengthMs: number,
  wantedMs: number,
): number[] {
  const first = keyframesMs[0] ?? 0;
  const pieces = Math.max(1, Math.round(lengthMs / wantedMs));
  const cuts = [first];
  for (let piece = 1; piece < pieces; piece++) {
    const ideal = first + (piece * lengthMs) / pieces;
    const nearest = keyframesMs.reduce((best, at) =>
      Math.abs(at - ideal) < Math.abs(best - ideal) ? at : best,
    );
    if (nearest > cuts.at(-1)!) cuts.push(nearest);
  }
  return cuts;
}
