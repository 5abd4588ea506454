/** A table of places: open addressing in one typed array, so that an object costs no object. Pure. */
import type { KeyHash } from "./key-hash.ts";

/** Where a record lies. */
export interface Place {
  /** Number of its segment, from 1. */
  segment: number;
  offset: number;
  bytes: number;
}

export interface Slot extends KeyHash, Place {
  /** How often it was read, at most USES_MAX. */
  uses: number;
}

/** Words of a slot: low, high, segment (0: free), offset, and bytes with the uses in its highest two bits. */
export const SLOT_WORDS = 5;
const USES_MAX = 3;
const USES_SHIFT = 30;
const BYTES_MASK = 2 ** USES_SHIFT - 1;
export const LEAST_SLOTS = 16;
const FULL_SHARE = 0.8;
const GROWTH = 1.5;
/** A key is this far from its place at most; where there is no room, another one is forgotten. */
const PROBES_MAX = 256;

export class PlaceShard {
  #words: Uint32Array;
  #slots: number;
  #count = 0;

  /** @param words as they were stored. */
  constructor(words: Uint32Array = new Uint32Array(LEAST_SLOTS * SLOT_WORDS)) {
    this.#words = words;
    this.#slots = words.length / SLOT_WORDS;
    for (let at = 2; at < words.length; at += SLOT_WORDS) if (words[at] !== 0) this.#count++;
  }

  get count(): number {
    return this.#count;
  }

  get words(): Uint32Array {
    return this.#words;
  }

  get(hash: KeyHash): Slot | undefined {
    const at = this.#find(hash);
    return at < 0 ? undefined : this.#slotAt(at);
  }

  has(hash: KeyHash): boolean {
    return this.#find(hash) >= 0;
  }

  set({ low, high }: KeyHash, { segment, offset, bytes }: Place): void {
    if (this.#count >= FULL_SHARE * this.#slots) this.#grow();
    const at = this.#placeFor(low, high);
    const words = this.#words;
    if (words[at + 2] === 0) this.#count++;
    words[at] = low;
    words[at + 1] = high;
    words[at + 2] = segment;
    words[at + 3] = offset;
    words[at + 4] = bytes;
  }

  delete(hash: KeyHash): boolean {
    const at = this.#find(hash);
    if (at < 0) return false;
    this.#free(at);
    return true;
  }

  /** It was asked for. */
  used(hash: KeyHash): void {
    const at = this.#find(hash);
    if (at < 0) return;
    const word = this.#words[at + 4]!;
    const uses = Math.min(USES_MAX, (word >>> USES_SHIFT) + 1);
    this.#words[at + 4] = (word & BYTES_MASK) | (uses << USES_SHIFT);
  }

  /** All of a segment. */
  ofSegment(segment: number): Slot[] {
    const slots: Slot[] = [];
    for (let at = 0; at < this.#words.length; at += SLOT_WORDS)
      if (this.#words[at + 2] === segment) slots.push(this.#slotAt(at));
    return slots;
  }

  /** Forgets those in segments that are not there. */
  keepSegments(isThere: (segment: number) => boolean): void {
    const gone: KeyHash[] = [];
    for (let at = 0; at < this.#words.length; at += SLOT_WORDS) {
      const segment = this.#words[at + 2]!;
      if (segment !== 0 && !isThere(segment)) gone.push(this.#slotAt(at));
    }
    for (const hash of gone) this.delete(hash);
  }

  #slotAt(at: number): Slot {
    const words = this.#words;
    const word = words[at + 4]!;
    return {
      low: words[at]!,
      high: words[at + 1]!,
      segment: words[at + 2]!,
      offset: words[at + 3]!,
      bytes: word & BYTES_MASK,
      uses: word >>> USES_SHIFT,
    };
  }

  /** Index of its first word; -1: it is not there. */
  #find({ low, high }: KeyHash): number {
    const words = this.#words;
    let at = (low % this.#slots) * SLOT_WORDS;
    for (let probe = 0; probe < PROBES_MAX; probe++) {
      if (words[at + 2] === 0) return -1;
      if (words[at] === low && words[at + 1] === high) return at;
      at += SLOT_WORDS;
      if (at === words.length) at = 0;
    }
    return -1;
  }

  #placeFor(low: number, high: number): number {
    const words = this.#words;
    let at = (low % this.#slots) * SLOT_WORDS;
    for (let probe = 1; probe < PROBES_MAX; probe++) {
      if (words[at + 2] === 0 || (words[at] === low && words[at + 1] === high)) return at;
      at += SLOT_WORDS;
      if (at === words.length) at = 0;
    }
    return at;
  }

  /** Those behind it move up, so that no search ends too early. */
  #free(freed: number): void {
    const words = this.#words;
    const slots = this.#slots;
    let hole = freed;
    for (let at = freed; ;) {
      at += SLOT_WORDS;
      if (at === words.length) at = 0;
      if (words[at + 2] === 0) break;
      const fromHome = (at / SLOT_WORDS - (words[at]! % slots) + slots) % slots;
      const fromHole = ((at - hole) / SLOT_WORDS + slots) % slots;
      if (fromHome < fromHole) continue;
      words.copyWithin(hole, at, at + SLOT_WORDS);
      hole = at;
    }
    words.fill(0, hole, hole + SLOT_WORDS);
    this.#count--;
  }

  #grow(): void {
    const old = this.#words;
    this.#slots = Math.ceil(this.#slots * GROWTH);
    const words = new Uint32Array(this.#slots * SLOT_WORDS);
    this.#words = words;
    this.#count = 0;
    for (let from = 0; from < old.length; from += SLOT_WORDS) {
      if (old[from + 2] === 0) continue;
      const at = this.#placeFor(old[from]!, old[from + 1]!);
      if (words[at + 2] === 0) this.#count++;
      words.set(old.subarray(from, from + SLOT_WORDS), at);
    }
  }
}
