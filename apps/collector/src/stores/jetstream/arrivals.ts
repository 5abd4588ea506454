/** Those who wait for records that are not there yet. */

interface Waiting {
  index: number;
  resolve: () => void;
  reject: (reason: unknown) => void;
}

export class Arrivals {
  readonly #waiting = new Set<Waiting>();
  #lastIndex: number;

  constructor(lastIndex: number) {
    this.#lastIndex = lastIndex;
  }

  /** There is a record of this index now. */
  arrived(index: number): void {
    this.#lastIndex = Math.max(this.#lastIndex, index);
    for (const waiting of this.#waiting) if (waiting.index <= this.#lastIndex) waiting.resolve();
  }

  /** Resolves when there is a record of the index or behind it. Rejects with the signal's reason, or that of `close`. */
  async reached(index: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (index <= this.#lastIndex) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiting = { index, resolve, reject };
    const abort = () => reject(signal!.reason);
    this.#waiting.add(waiting);
    signal?.addEventListener("abort", abort, { once: true });
    try {
      await promise;
    } finally {
      this.#waiting.delete(waiting);
      signal?.removeEventListener("abort", abort);
    }
  }

  close(reason: Error): void {
    for (const { reject } of this.#waiting) reject(reason);
  }
}
