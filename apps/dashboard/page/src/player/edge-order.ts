/** Every edge is tried once without delay; then the pauses grow. */
const RETRY_MIN_MS = 500;
const RETRY_MAX_MS = 3_000;
/** Keeps the tries of many viewers apart. */
const JITTER = 0.3;

/**
 * The edges in the order in which they are to be tried: the one that failed last, if there is any, comes last.
 * @param failed address of the edge, or of anything that came from it.
 */
export function edgeOrder(edgeUrls: readonly string[], failed: string | undefined): string[] {
  const at = edgeUrls.findIndex((url) => failed !== undefined && sameOrigin(url, failed));
  return at < 0 ? [...edgeUrls] : [...edgeUrls.slice(at + 1), ...edgeUrls.slice(0, at + 1)];
}

/**
 * How long to wait before the next try.
 * @param failures in a row.
 * @param chance from 0 to 1.
 */
export function retryDelayMs(failures: number, edgeCount: number, chance: number): number {
  const round = Math.floor(failures / Math.max(1, edgeCount));
  if (round === 0) return 0;
  const delayMs = Math.min(RETRY_MIN_MS * 2 ** (round - 1), RETRY_MAX_MS);
  return delayMs * (1 - JITTER * chance);
}

/** Name of the edge that an address belongs to: its pathway's id where that is known, else its host and port. */
export function edgeName(address: string, pathwayIds: ReadonlyMap<string, string>): string {
  const { origin, host } = new URL(address);
  return pathwayIds.get(origin) ?? host;
}

function sameOrigin(left: string, right: string): boolean {
  return new URL(left).origin === new URL(right).origin;
}
