/** What waits to be written, in order; by key the newest only. Bounded. */
import type { StoredResponse } from "../store.ts";

export interface Waiting {
  /** Ascending. */
  number: number;
  key: string;
  /** Undefined: the key has no object from here on. */
  variants: readonly StoredResponse[] | undefined;
  bytes: number;
}

/** Of waiting removals; of more, the oldest is not written. */
const REMOVALS_MAX = 100_000;
/** Of a record beyond its bodies, about. */
const OVERHEAD_BYTES = 1_024;

export class WriteQueue {
  readonly #maxBytes: number;
  #waiting = new Map<string, Waiting>();
  /** Handed to the disk, which has not said yet that it has them. */
  #writing = new Map<string, Waiting>();
  #bytes = 0;
  #removals = 0;
  #last = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get isEmpty(): boolean {
    return this.#waiting.size === 0;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Number of what came last. */
  get last(): number {
    return this.#last;
  }

  /** Whether any of the first so many has not been written. */
  hasUpTo(number: number): boolean {
    for (const queue of [this.#writing, this.#waiting])
      for (const waiting of queue.values()) if (waiting.number <= number) return true;
    return false;
  }

  /** The newest that is known of a key. */
  find(key: string): Waiting | undefined {
    return this.#waiting.get(key) ?? this.#writing.get(key);
  }

  /** @returns false when there is no room: then what waits for the key, or nothing, is as before. */
  put(key: string, variants: readonly StoredResponse[]): boolean {
    const bytes = variants.reduce((sum, { body }) => sum + body.length + OVERHEAD_BYTES, 0);
    const before = this.#waiting.get(key)?.bytes ?? 0;
    if (this.#bytes - before + bytes > this.#maxBytes) return false;
    this.#add(key, variants, bytes);
    return true;
  }

  /** @returns false when the oldest removal that waited is forgotten for it. */
  remove(key: string): boolean {
    this.#add(key, undefined, 0);
    if (this.#removals <= REMOVALS_MAX) return true;
    for (const waiting of this.#waiting.values())
      if (!waiting.variants) return !this.#drop(waiting.key);
    return true;
  }

  /** The oldest, at least one, to be written now. */
  take(maxBytes: number, maxCount: number): Waiting[] {
    const taken: Waiting[] = [];
    let bytes = 0;
    for (const waiting of this.#waiting.values()) {
      bytes += waiting.bytes;
      if (taken.length > 0 && (bytes > maxBytes || taken.length === maxCount)) break;
      taken.push(waiting);
    }
    for (const waiting of taken) {
      this.#waiting.delete(waiting.key);
      this.#writing.set(waiting.key, waiting);
      if (!waiting.variants) this.#removals--;
    }
    return taken;
  }

  /** What was taken is on the disk. */
  done(): void {
    for (const { bytes } of this.#writing.values()) this.#bytes -= bytes;
    this.#writing = new Map();
  }

  /** What was taken is not on the disk: it waits again, unless something newer does. */
  undo(): void {
    const waiting = new Map(this.#writing);
    for (const [key, newer] of this.#waiting) {
      this.#bytes -= waiting.get(key)?.bytes ?? 0;
      waiting.delete(key);
      waiting.set(key, newer);
    }
    this.#waiting = waiting;
    this.#writing = new Map();
    this.#removals = 0;
    for (const { variants } of waiting.values()) if (!variants) this.#removals++;
  }

  #add(key: string, variants: Waiting["variants"], bytes: number): void {
    this.#drop(key);
    this.#waiting.set(key, { number: ++this.#last, key, variants, bytes });
    this.#bytes += bytes;
    if (!variants) this.#removals++;
  }

  #drop(key: string): boolean {
    const waiting = this.#waiting.get(key);
    if (!waiting) return false;
    this.#waiting.delete(key);
    this.#bytes -= waiting.bytes;
    if (!waiting.variants) this.#removals--;
    return true;
  }
}
