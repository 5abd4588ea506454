/** What a player's connection carries, and which variant fits it. Pure. */

/** After so many seconds of fetching, what was measured before counts half: a fast and a slow average, as hls.js has them. */
const HALF_LIVES_S = [3, 9] as const;
/** Smaller or sooner answers say more of latency than of bandwidth. */
const LEAST_BYTES = 16_384;
const LEAST_MS = 1;
/** Of the estimate, that a variant may need. */
const SHARE_TO_STAY = 0.95;
const SHARE_TO_RISE = 0.7;

export class BandwidthEstimate {
  readonly #averages = HALF_LIVES_S.map((halfLifeS) => ({ halfLifeS, sum: 0, weight: 0 }));

  /** @param tookMs from the request to the last byte. */
  add(bytes: number, tookMs: number): void {
    if (bytes < LEAST_BYTES) return;
    const seconds = Math.max(tookMs, LEAST_MS) / 1_000;
    for (const average of this.#averages) {
      const kept = 0.5 ** (seconds / average.halfLifeS);
      average.sum = kept * average.sum + (1 - kept) * ((bytes * 8) / seconds);
      average.weight = kept * average.weight + (1 - kept);
    }
  }

  /** The lower average: what falls is believed sooner than what rises. Undefined: nothing was measured. */
  bitsPerSecond(): number | undefined {
    const means = this.#averages.map(({ sum, weight }) => sum / weight);
    return this.#averages[0]!.weight > 0 ? Math.min(...means) : undefined;
  }
}

/**
 * @param bandwidths of the variants, bits a second, in the order of the playlist.
 * @param current index of the one that is played.
 * @returns the index of the one to play.
 */
export function bestLevel(
  bandwidths: readonly number[],
  current: number,
  bitsPerSecond: number | undefined,
): number {
  if (bitsPerSecond === undefined || bandwidths.length < 2) return current;
  const playing = bandwidths[current] ?? 0;
  const fits = (bandwidth: number) =>
    bandwidth <= (bandwidth > playing ? SHARE_TO_RISE : SHARE_TO_STAY) * bitsPerSecond;
  const fitting = bandwidths.filter(fits);
  const best = fitting.length > 0 ? Math.max(...fitting) : Math.min(...bandwidths);
  return best === playing ? current : bandwidths.indexOf(best);
}
