/**
 * The most frequent of many things, in bounded memory: when there is no room, the median of all weights is taken off each, and what
 * has nothing left is forgotten. Pure. Source: Anderson et al., A High-Performance Algorithm for Identifying Frequent Items in Data
 * Streams (2017), after Misra and Gries.
 */

export interface Entry {
  /** At most `shortfall` below the true one, and never above it. */
  weight: number;
  /** Of the newest addition. */
  lastMs: number;
}

export class Frequent {
  readonly #max: number;
  readonly #entries = new Map<string, Entry>();
  #shortfall = 0;

  /** @param max entries at a time. */
  constructor(max: number) {
    this.#max = max;
  }

  /** By how much weights may be too low. */
  get shortfall(): number {
    return this.#shortfall;
  }

  get entries(): ReadonlyMap<string, Entry> {
    return this.#entries;
  }

  add(key: string, weight: number, timeMs: number): void {
    const known = this.#entries.get(key);
    if (known) {
      known.weight += weight;
      known.lastMs = Math.max(known.lastMs, timeMs);
      return;
    }
    if (this.#entries.size >= this.#max) this.#makeRoom();
    this.#entries.set(key, { weight, lastMs: timeMs });
  }

  #makeRoom(): void {
    const weights = Float64Array.from(this.#entries.values(), ({ weight }) => weight).sort();
    const median = weights[weights.length >> 1]!;
    this.#shortfall += median;
    for (const [key, entry] of this.#entries) {
      entry.weight -= median;
      if (entry.weight <= 0) this.#entries.delete(key);
    }
  }
}
