/** Bits, a byte each, as bytes of eight: the highest first, what is over of the last is 0. */
export function packed(bits: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(bits.length / 8));
  for (const [at, bit] of bits.entries()) bytes[at >>> 3]! |= bit << (7 - (at & 7));
  return bytes;
}
