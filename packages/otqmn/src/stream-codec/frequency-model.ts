/**
 * How often each symbol has come, as frequencies of 4,096 for the entropy coder. Both sides count alike, so no table travels:
 * a symbol that comes for the first time is written as NOVEL and by its number. All arithmetic is on integers.
 */

export const FREQUENCY_BITS = 12;
const ALL = 1 << FREQUENCY_BITS;
/** Index of NOVEL among the entries. */
const NOVEL = 0;
const SYMBOLS = 256;
/** Older symbols count half as much. */
const HALVE_AT = 4_096;
const REBUILD = { least: 4, most: 512, share: 4 } as const;

export class FrequencyModel {
  /** Entry 0 is NOVEL; the others in the order in which their symbols came first. */
  #symbols = new Uint8Array(8);
  #counts = new Uint16Array(8);
  #entries = 1;
  #total = 0;
  #untilRebuild: number = REBUILD.least;
  /** By symbol: its entry; 0: it has not come. */
  readonly #entryOf = new Uint8Array(SYMBOLS);
  frequency = new Uint16Array(8);
  start = new Uint16Array(8);
  /** By slot below 4,096: the entry. Made when it is asked for. */
  #slots: Uint8Array | undefined;

  constructor() {
    this.frequency[NOVEL] = ALL;
  }

  /** 0 when the symbol has not come yet. */
  entryOf(symbol: number): number {
    return this.#entryOf[symbol]!;
  }

  symbolOf(entry: number): number {
    return this.#symbols[entry]!;
  }

  entryAt(slot: number): number {
    return (this.#slots ??= this.#fillSlots(new Uint8Array(ALL)))[slot]!;
  }

  /** Counts a symbol that has come before. */
  count(entry: number): void {
    this.#counts[entry]!++;
    this.#total++;
    if (--this.#untilRebuild === 0) this.#rebuild();
  }

  /** Takes up a symbol that comes for the first time. @returns false: there is no room for more. */
  add(symbol: number): boolean {
    if (this.#entries === SYMBOLS || this.#entryOf[symbol] !== 0) return false;
    if (this.#entries === this.#symbols.length) this.#grow();
    const entry = this.#entries++;
    this.#symbols[entry] = symbol;
    this.#entryOf[symbol] = entry;
    this.#counts[entry] = 1;
    this.#total++;
    this.#rebuild();
    return true;
  }

  #grow(): void {
    const size = Math.min(SYMBOLS, 2 * this.#symbols.length);
    const grown = <T extends Uint8Array | Uint16Array>(from: T, to: T): T => (to.set(from), to);
    this.#symbols = grown(this.#symbols, new Uint8Array(size));
    this.#counts = grown(this.#counts, new Uint16Array(size));
    this.frequency = new Uint16Array(size);
    this.start = new Uint16Array(size);
  }

  #rebuild(): void {
    if (this.#total >= HALVE_AT) this.#halve();
    const entries = this.#entries;
    // Symbols that have not come yet are as likely as half of those that have.
    this.#counts[NOVEL] = 1 + (entries >> 1);
    const total = this.#total + this.#counts[NOVEL]!;
    let [left, largest] = [ALL, 0];
    for (let entry = 0; entry < entries; entry++) {
      const share = Math.max(1, Math.floor((this.#counts[entry]! * ALL) / total));
      this.frequency[entry] = share;
      left -= share;
      if (share > this.frequency[largest]!) largest = entry;
    }
    this.frequency[largest]! += left;
    let start = 0;
    for (let entry = 0; entry < entries; entry++) {
      this.start[entry] = start;
      start += this.frequency[entry]!;
    }
    if (this.#slots) this.#fillSlots(this.#slots);
    this.#untilRebuild = Math.min(
      REBUILD.most,
      Math.max(REBUILD.least, Math.floor(this.#total / REBUILD.share)),
    );
  }

  #halve(): void {
    this.#total = 0;
    for (let entry = 1; entry < this.#entries; entry++) {
      const half = (this.#counts[entry]! + 1) >> 1;
      this.#counts[entry] = half;
      this.#total += half;
    }
  }

  #fillSlots(slots: Uint8Array): Uint8Array {
    for (let entry = 0; entry < this.#entries; entry++) {
      const from = this.start[entry]!;
      slots.fill(entry, from, from + this.frequency[entry]!);
    }
    return slots;
  }
}
