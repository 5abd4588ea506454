/** Secret bytes that both ends of a link have, in the same order: whoever takes says how many, and the other end takes as many. */

export class KeyPool {
  readonly #maxBytes: number;
  #blocks: Uint8Array[] = [];
  /** Of the first block, bytes that are taken. */
  #used = 0;
  #stored = 0;
  /** Since the pool is there, or was wiped. */
  taken = 0;

  constructor(maxBytes = Infinity) {
    this.#maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#stored;
  }

  get isFull(): boolean {
    return this.#stored >= this.#maxBytes;
  }

  /** The block is this pool's from now on: it is wiped when it is used up. */
  add(block: Uint8Array): void {
    if (block.length === 0) return;
    this.#blocks.push(block);
    this.#stored += block.length;
  }

  /** @returns a copy of its own; undefined: there is not so much. What was taken is not in the pool any more. */
  take(count: number): Uint8Array | undefined {
    if (count > this.#stored) return undefined;
    const bytes = new Uint8Array(count);
    for (let at = 0; at < count;) {
      const block = this.#blocks[0]!;
      const piece = block.subarray(this.#used, this.#used + count - at);
      bytes.set(piece, at);
      piece.fill(0);
      at += piece.length;
      this.#used += piece.length;
      if (this.#used === block.length) this.#drop();
    }
    this.#stored -= count;
    this.taken += count;
    return bytes;
  }

  /** Nothing is left, neither here nor in memory. */
  wipe(): void {
    for (const block of this.#blocks) block.fill(0);
    this.#blocks = [];
    this.#used = 0;
    this.#stored = 0;
    this.taken = 0;
  }

  #drop(): void {
    this.#blocks.shift();
    this.#used = 0;
  }
}
