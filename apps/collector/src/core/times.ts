/** Times as OTLP has them: nanoseconds since 1970, unsigned 64 bits. */

export const LATEST_TIME = 2n ** 64n - 1n;

export function msOf(unixNano: bigint): number {
  return Number(unixNano / 1_000_000n);
}
