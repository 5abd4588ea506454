/** Edges of a channel on one agent are replaced one after another: viewers have all but one at any time. Pure. */

export interface OtherEdge {
  name: string;
  channel: string;
  /** It runs, and says that it is ready. */
  isReady: boolean;
  /** Unix nanoseconds: since when it has not been ready. */
  unreadySinceUnixNano: bigint;
}

/** What is not ready after this time stops the roll: it goes on when that one is ready, or wished otherwise. */
export const ROLL_PATIENCE_MS = 30_000;

/**
 * Why an edge that serves viewers is not replaced yet; empty: it may be.
 * @param others all that are wished of the agent, but for this one.
 */
export function heldBy(channel: string, others: readonly OtherEdge[], nowUnixNano: bigint): string {
  const same = others.filter((other) => other.channel === channel && !other.isReady);
  const [oldest] = same.toSorted((a, b) => Number(a.unreadySinceUnixNano - b.unreadySinceUnixNano));
  if (!oldest) return "";
  const { name, unreadySinceUnixNano } = oldest;
  const isLate = nowUnixNano - unreadySinceUnixNano > BigInt(ROLL_PATIENCE_MS) * 1_000_000n;
  return isLate
    ? `edge ${name}: it has not been ready for ${ROLL_PATIENCE_MS / 1_000} s, the roll has stopped`
    : `edge ${name}: it is not ready yet`;
}
