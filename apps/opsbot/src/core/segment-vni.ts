/** Which VNI an overlay's how manieth segment has: no two of them ever have the same. Pure. */
import { VNIS } from "./vnis/vni.ts";

/**
 * @param configured of the first segment.
 * @param generation from 1.
 * @param place of the overlay among all of them, with the highest VNI that is configured. Throws RangeError when all are used up.
 */
export function segmentVni(
  configured: number,
  generation: number,
  { index, count, highest }: { index: number; count: number; highest: number },
): number {
  if (generation <= 1) return configured;
  const vni = highest + 1 + (generation - 2) * count + index;
  if (vni > VNIS.last)
    throw new RangeError(`VNI: got ${vni}, expected at most ${VNIS.last}: configure lower ones`);
  return vni;
}
