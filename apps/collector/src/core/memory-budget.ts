/** How many bytes may be in work at once, from the first one received to their durability, over all senders. */
export class MemoryBudget {
  readonly maxBytes: number;
  readonly #changed: (bytes: number) => void;
  #bytes = 0;

  /** @param changed is told of every new sum; for a gauge. */
  constructor(maxBytes: number, changed: (bytes: number) => void = () => {}) {
    this.maxBytes = maxBytes;
    this.#changed = changed;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Nothing more would be taken: a request need not even be read. */
  get isFull(): boolean {
    return this.#bytes >= this.maxBytes;
  }

  /** The part of one request or stream; it begins empty. */
  hold(): MemoryHold {
    return new MemoryHold((bytes) => this.#move(bytes));
  }

  /** @returns false, and takes nothing, when the limit would be passed. */
  #move(bytes: number): boolean {
    if (bytes > 0 && this.#bytes + bytes > this.maxBytes) return false;
    this.#bytes += bytes;
    this.#changed(this.#bytes);
    return true;
  }
}

/** The bytes that one request or stream holds. Disposing it gives them back. */
export class MemoryHold implements Disposable {
  readonly #move: (bytes: number) => boolean;
  #bytes = 0;

  constructor(move: (bytes: number) => boolean) {
    this.#move = move;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Takes more. @returns false, and takes nothing, when all together would hold too much. */
  grow(bytes: number): boolean {
    if (!this.#move(bytes)) return false;
    this.#bytes += bytes;
    return true;
  }

  shrink(bytes: number): void {
    const given = Math.min(bytes, this.#bytes);
    this.#move(-given);
    this.#bytes -= given;
  }

  [Symbol.dispose](): void {
    this.shrink(this.#bytes);
  }
}
