/** Which VNI an overlay's how manieth segment has: no two of them ever have the same. Pure. */

/** Of 24 bits; 0 and the highest are left out (RFC 7348 section 5). */
const VNI_MAX = 16_777_214;

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
  if (vni > VNI_MAX)
    throw new RangeError(`VNI: got ${vni}, expected at most ${VNI_MAX}: configure lower ones`);
  return vni;
}
