/**
 * Privacy amplification: many bits of which somebody may know a part become fewer of which nobody knows any. A Toeplitz matrix over GF(2), drawn
 * by lot and told in public, is a universal hash function (Krawczyk 1994, section 3.1; Bennett, Brassard, Crépeau and Maurer 1995).
 */

const WORD = 32;

/** Bits that the two ends draw together for a matrix. */
export const seedBits = (inputBits: number, outputBits: number): number =>
  inputBits + outputBits - 1;

/**
 * @param bits a byte each.
 * @param seed at least `seedBits` bits, eight a byte, the highest first. Diagonal d of the matrix, counted from the lower left corner, is bit d.
 * @returns `outputBits` bits, eight a byte, the highest first; what is over of the last byte is 0. Throws RangeError when the seed is too short.
 */
export function amplified(bits: Uint8Array, outputBits: number, seed: Uint8Array): Uint8Array {
  const needed = seedBits(bits.length, outputBits);
  if (seed.length * 8 < needed)
    throw new RangeError(`seed: got ${seed.length * 8} bits, expected ${needed}`);
  const words = Math.ceil(outputBits / WORD);
  const shifted = shiftsOf(seed, needed + WORD, words);
  const sum = new Uint32Array(words);
  // Column i of the matrix is the diagonals from n - 1 - i on.
  for (let column = 0; column < bits.length; column++) {
    if (bits[column] === 0) continue;
    const first = bits.length - 1 - column;
    const row = shifted[first % WORD]!;
    const from = Math.floor(first / WORD);
    for (let at = 0; at < words; at++) sum[at]! ^= row[from + at]!;
  }
  return bytesOf(sum, outputBits);
}

/** The seed as words, moved left by 0 to 31 bits, so that a column begins at the beginning of a word. */
function shiftsOf(seed: Uint8Array, bits: number, more: number): Uint32Array[] {
  const length = Math.ceil(bits / WORD) + more + 1;
  const plain = new Uint32Array(length);
  for (let at = 0; at < seed.length && at >>> 2 < length; at++)
    plain[at >>> 2]! |= seed[at]! << (24 - 8 * (at & 3));
  return Array.from({ length: WORD }, (_, shift) => {
    if (shift === 0) return plain;
    const moved = new Uint32Array(length);
    for (let at = 0; at < length; at++)
      moved[at] = (plain[at]! << shift) | ((plain[at + 1] ?? 0) >>> (WORD - shift));
    return moved;
  });
}

function bytesOf(words: Uint32Array, bits: number): Uint8Array {
  const bytes = Uint8Array.from(
    { length: Math.ceil(bits / 8) },
    (_, at) => (words[at >>> 2]! >>> (24 - 8 * (at & 3))) & 0xff,
  );
  const over = bytes.length * 8 - bits;
  if (over > 0) bytes[bytes.length - 1]! &= 0xff << over;
  return bytes;
}
