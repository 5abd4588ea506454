/** Times as OTLP has them: nanoseconds since 1970, unsigned 64 bits. */

import { RpcError } from "@glassline/proto/errors";

export const LATEST_TIME = 2n ** 64n - 1n;

/** What is asked for from one time on up to another. Throws RpcError. */
export function requireOrder(fromUnixNano: bigint, toUnixNano: bigint): void {
  if (fromUnixNano > toUnixNano)
    throw new RpcError(
      "invalid_argument",
      `from_unix_nano: got ${fromUnixNano}, expected at most to_unix_nano ${toUnixNano}`,
    );
}

export function msOf(unixNano: bigint): number {
  return Number(unixNano / 1_000_000n);
}
