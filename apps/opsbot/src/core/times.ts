/** How long people wait for OpsBot: from a problem's beginning until it is seen, acted upon, and over. Pure. */

/** Seconds. What is believed after three results of a check, or seen in a push of Icinga. */
export const DETECT_BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1_800];
/** Seconds. At once, or when the guard lets it. */
export const ACT_BUCKETS = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 1_800,
];
/** Seconds. An edge that is started, or a person who comes in the morning. */
export const RECOVER_BUCKETS = [
  0.5, 1, 2.5, 5, 10, 15, 30, 60, 120, 300, 600, 1_800, 3_600, 14_400, 86_400,
];

/** What is longer was never measured: a clock has leapt. */
const SPAN_MAX_SECONDS = 31 * 86_400;
/** Icinga's clock may be ahead of ours by so much. */
const SKEW_SECONDS = 2;
const NANO = 1e9;
/** Names of checks come from Icinga; those that come later are counted together. */
const CHECKS_MAX = 64;
const OTHER = "other";

/** @param fromUnixNano and until when. Undefined: a clock was set in between. */
export function spanSeconds(fromUnixNano: bigint, untilUnixNano: bigint): number | undefined {
  const seconds = Number(untilUnixNano - fromUnixNano) / NANO;
  if (seconds < -SKEW_SECONDS || seconds > SPAN_MAX_SECONDS) return undefined;
  return Math.max(0, seconds);
}

/** Names for metrics, of which there are never too many. */
export class BoundedNames {
  readonly #names = new Set<string>();

  nameOf(name: string): string {
    if (this.#names.size < CHECKS_MAX) this.#names.add(name);
    return this.#names.has(name) ? name : OTHER;
  }
}
