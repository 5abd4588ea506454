/** Which of two answers is the newer one (RFC 9111 section 4). Pure. */

/** Of an answer; milliseconds on the monotonic clock. */
export interface Moments {
  /** When the origin was asked, and when the head of its answer came. */
  askedMs: number;
  cameMs: number;
  /** What its Date says, Unix milliseconds; undefined: nothing. */
  dateMs: number | undefined;
}

/**
 * Whether what comes late is older than what is known already. Of two questions that were under way at one time the answer with the
 * later Date counts, and of equal ones that which was asked for later. What was asked for when the other one was known is newer,
 * whatever its Date says: a clock may be set back.
 */
export function isOlder(late: Moments, known: Moments): boolean {
  if (late.askedMs >= known.cameMs) return false;
  if (late.dateMs !== undefined && known.dateMs !== undefined && late.dateMs !== known.dateMs)
    return late.dateMs < known.dateMs;
  return late.askedMs < known.askedMs;
}
