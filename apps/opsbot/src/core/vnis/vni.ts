/** The numbers of VXLAN networks, and the subnets that follow from them. Pure. */
import type { Span } from "./spans.ts";

/** Of 24 bits; 0 and the highest are left out (RFC 7348 section 5). */
export const VNIS: Span = { first: 1, last: 16_777_214 };

/** A replica leases so many at once: those with the same highest 12 bits. */
export const VNI_BLOCK = 4_096;

export const isVni = (vni: number): boolean =>
  Number.isInteger(vni) && vni >= VNIS.first && vni <= VNIS.last;

/** Ten hexadecimal digits, of which the last two are 0: the highest 8 bits of a VNI take their place. */
const GLOBAL_ID = /^[0-9a-f]{8}00$/;

/** @param random of 32 bits. @returns a global ID of 40 bits, in hexadecimal digits (RFC 4193 section 3.2). */
export function globalIdOf(random: number): string {
  return `${(random >>> 0).toString(16).padStart(8, "0")}00`;
}

/**
 * The unique local network of a VNI: "fd", the first 32 bits of the global ID, and the VNI's 24 bits. No two VNIs have the same one.
 * @returns as RFC 5952 has it: "fd47:4c00:1:1170::/64". Throws RangeError.
 */
export function ipv6Of(globalId: string, vni: number): string {
  if (!GLOBAL_ID.test(globalId))
    throw new RangeError(`global ID: got ${globalId}, expected 10 hexadecimal digits, the last 00`);
  if (!isVni(vni)) throw new RangeError(`VNI: got ${vni}, expected ${VNIS.first} to ${VNIS.last}`);
  const bits = Number.parseInt(globalId.slice(0, 8), 16);
  const groups = [0xfd_00 | (bits >>> 24), (bits >>> 8) & 0xff_ff];
  groups.push(((bits & 0xff) << 8) | (vni >> 16));
  // Zeros behind them are part of "::".
  if ((vni & 0xff_ff) !== 0) groups.push(vni & 0xff_ff);
  return `${groups.map((group) => group.toString(16)).join(":")}::/64`;
}

/** The same one for each 65,536th VNI: only where networks never meet. */
export function formulaIpv4(vni: number): string {
  return `10.${(vni >> 8) & 255}.${vni & 255}.0/24`;
}
