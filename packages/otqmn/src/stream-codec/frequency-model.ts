/**
 * How often each symbol has come, as frequencies of 4,096 for the entropy coder. Both sides count alike, so no table travels:
 * a symbol that comes for the first time is written as NOVEL and by its number. All arithmetic is on integers.
 */
import { smallUint8Array, smallUint16Array, smallUint32Array } from "./small-arrays.ts";

export const FREQUENCY_BITS = 12;
const ALL = 1 << FREQUENCY_BITS;
/** The entry of NOVEL. */
export const NOVEL = 0;
const SYMBOLS = 256;
const FIRST_ENTRIES = 8;
/** Older symbols count half as much. */
const HALVE_AT = 4_096;
const REBUILD = { least: 4, most: 512, share: 4 } as const;
const NONE = new Uint8Array(0);

/** Of `packed`: 8 bits of the symbol, 12 of the first slot, 12 of the frequency less 1. */
export const START_SHIFT = 12;
export const SYMBOL_SHIFT = 24;
export const LOW_12 = ALL - 1;
export const WINDOW_SHIFT = 4;

/** Its fields are read and counted by the coders; whoever brings `untilRebuild` to 0 calls `rebuild`. */
export class FrequencyModel {
  /** By entry, in the order in which symbols came first: what a coder needs. */
  packed = smallUint32Array(FIRST_ENTRIES);
  counts = smallUint16Array(FIRST_ENTRIES);
  /** By symbol: its entry; NOVEL: it has not come. For writers; empty until `index`. */
  entryOf = NONE;
  /**
   * By window of 16 slots: the entry of its first slot, from which the others are not far. For readers that read much; empty until
   * `prepare`.
   */
  windows = NONE;
  untilRebuild: number = REBUILD.least;
  #entries = 1;

  constructor() {
    this.packed[NOVEL] = ALL - 1;
  }

  index(): void {
    this.entryOf = new Uint8Array(SYMBOLS);
    for (let entry = 1; entry < this.#entries; entry++)
      this.entryOf[this.packed[entry]! >>> SYMBOL_SHIFT] = entry;
  }

  prepare(): void {
    if (this.windows !== NONE) return;
    this.windows = smallUint8Array(ALL >>> WINDOW_SHIFT);
    this.#fillWindows();
  }

  /** Takes up a symbol that comes for the first time. @returns false: it has come before, or there is no room for more. */
  add(symbol: number): boolean {
    if (this.#entries === SYMBOLS || this.#has(symbol)) return false;
    if (this.#entries === this.packed.length) {
      const [packed, counts] = [this.packed, this.counts];
      this.packed = smallUint32Array(2 * packed.length);
      this.packed.set(packed);
      this.counts = smallUint16Array(2 * counts.length);
      this.counts.set(counts);
    }
    const entry = this.#entries++;
    this.packed[entry] = symbol << SYMBOL_SHIFT;
    if (this.entryOf !== NONE) this.entryOf[symbol] = entry;
    this.counts[entry] = 1;
    this.rebuild();
    return true;
  }

  rebuild(): void {
    const { counts, packed } = this;
    const entries = this.#entries;
    const seen = this.#weigh();
    // Symbols that have not come yet are as likely as half of those that have.
    counts[NOVEL] = 1 + (entries >> 1);
    const total = seen + counts[NOVEL]!;
    let [left, largest] = [ALL, 0];
    for (let entry = 0; entry < entries; entry++) {
      left -= shareOf(counts[entry]!, total);
      if (counts[entry]! > counts[largest]!) largest = entry;
    }
    let start = 0;
    for (let entry = 0; entry < entries; entry++) {
      // What rounding leaves over, or has taken too much, is the largest one's.
      const share = shareOf(counts[entry]!, total) + (entry === largest ? left : 0);
      const symbol = packed[entry]! >>> SYMBOL_SHIFT;
      packed[entry] = (symbol << SYMBOL_SHIFT) | (start << START_SHIFT) | (share - 1);
      start += share;
    }
    if (this.windows !== NONE) this.#fillWindows();
    this.untilRebuild = Math.min(
      REBUILD.most,
      Math.max(REBUILD.least, Math.floor(seen / REBUILD.share)),
    );
  }

  #has(symbol: number): boolean {
    for (let entry = 1; entry < this.#entries; entry++)
      if (this.packed[entry]! >>> SYMBOL_SHIFT === symbol) return true;
    return false;
  }

  /** @returns the sum of counts, which are halved when it is large. */
  #weigh(): number {
    const { counts } = this;
    let seen = 0;
    for (let entry = 1; entry < this.#entries; entry++) seen += counts[entry]!;
    if (seen < HALVE_AT) return seen;
    seen = 0;
    for (let entry = 1; entry < this.#entries; entry++) {
      counts[entry] = (counts[entry]! + 1) >> 1;
      seen += counts[entry]!;
    }
    return seen;
  }

  #fillWindows(): void {
    const { packed, windows } = this;
    let window = 0;
    for (let entry = 0; entry < this.#entries; entry++) {
      const last = ((packed[entry]! >>> START_SHIFT) & LOW_12) + (packed[entry]! & LOW_12);
      for (; window << WINDOW_SHIFT <= last; window++) windows[window] = entry;
    }
  }
}

function shareOf(count: number, total: number): number {
  return Math.max(1, Math.floor((count * ALL) / total));
}

/** Models that are made when they are used. */
export class FrequencyModels {
  readonly #models: (FrequencyModel | undefined)[] = [];

  /** Those that have been used. */
  prepare(): void {
    for (const model of this.#models) model?.prepare();
  }

  at(number: number): FrequencyModel {
    return (this.#models[number] ??= new FrequencyModel());
  }
}
