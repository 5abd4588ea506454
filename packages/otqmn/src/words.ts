/** Numbers of 64 bits as two words each, least first, and as bigints: views of the same memory. */
export function wordsOf(numbers: BigUint64Array): Uint32Array {
  return new Uint32Array(numbers.buffer, numbers.byteOffset, 2 * numbers.length);
}

/** One of them: `at` counts numbers, not words. */
export function bigintAt(words: Uint32Array, at: number): bigint {
  return (BigInt(words[2 * at + 1]!) << 32n) | BigInt(words[2 * at]!);
}

/** @param numbers at a multiple of 8 bytes. */
export function bigintsOf(numbers: Uint32Array | Float64Array): BigUint64Array {
  return new BigUint64Array(numbers.buffer, numbers.byteOffset, numbers.byteLength / 8);
}
