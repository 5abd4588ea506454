/** Many times as counts in steps of 2 %: of any length, and put together from several processes. Pure. */

const STEP = 1.02;
const LEAST_MS = 0.01;
const MOST_MS = 600_000;

export class Latencies {
  readonly #counts = new Map<number, number>();
  #total = 0;

  static from(counts: readonly (readonly [number, number])[]): Latencies {
    const latencies = new Latencies();
    for (const [step, count] of counts) latencies.#add(step, count);
    return latencies;
  }

  add(ms: number): void {
    const within = Math.min(Math.max(ms, LEAST_MS), MOST_MS);
    this.#add(Math.ceil(Math.log(within) / Math.log(STEP)), 1);
  }

  merge(other: Latencies): void {
    for (const [step, count] of other.#counts) this.#add(step, count);
  }

  /**
   * @param part 0.99: of all times not more than a hundredth are longer.
   * @returns milliseconds, at most 2 % too long; 0 when there are none.
   */
  quantile(part: number): number {
    let left = Math.ceil(part * this.#total);
    for (const [step, count] of this.counts()) {
      left -= count;
      if (left <= 0) return STEP ** step;
    }
    return 0;
  }

  /** By length. */
  counts(): [number, number][] {
    return [...this.#counts].toSorted(([a], [b]) => a - b);
  }

  #add(step: number, count: number): void {
    this.#counts.set(step, (this.#counts.get(step) ?? 0) + count);
    this.#total += count;
  }
}
