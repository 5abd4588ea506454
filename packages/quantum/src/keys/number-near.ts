/** The number whose last bits these are and that is nearest to `expected`; below 0 where there is none. @param count of numbers that the bits tell apart. */
export function numberNear(expected: number, lastBits: number, count: number): number {
  const ahead = (lastBits - (expected % count) + count) % count;
  return expected + (ahead < count / 2 ? ahead : ahead - count);
}
