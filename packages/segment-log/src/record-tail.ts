/** The newest records in memory, so that a reader that has caught up never touches the disk; and a bell for those that wait. */

interface Waiter {
  index: number;
  resolve: () => void;
  reject: (reason: unknown) => void;
}

export class RecordTail {
  readonly #maxBytes: number;
  /** Consecutive: the first is that of #firstIndex. Those before #begin have been let go. */
  #payloads: Uint8Array[] = [];
  #begin = 0;
  #bytes = 0;
  #nextIndex: number;
  readonly #waiters = new Set<Waiter>();

  /** @param nextIndex index of the record that is pushed first. */
  constructor(maxBytes: number, nextIndex: number) {
    this.#maxBytes = maxBytes;
    this.#nextIndex = nextIndex;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Index of the oldest record at hand; of the next one when there is none. */
  get firstIndex(): number {
    return this.#nextIndex - (this.#payloads.length - this.#begin);
  }

  /** The next record, durable. The bytes are kept as they are: they must not be changed any more. */
  push(payload: Uint8Array): void {
    this.#payloads.push(payload);
    this.#bytes += payload.length;
    this.#nextIndex++;
    while (this.#bytes > this.#maxBytes) {
      this.#bytes -= this.#payloads[this.#begin]!.length;
      this.#payloads[this.#begin++] = NOTHING;
    }
    if (this.#begin * 2 > this.#payloads.length) {
      this.#payloads = this.#payloads.slice(this.#begin);
      this.#begin = 0;
    }
    for (const waiter of this.#waiters) if (this.#nextIndex > waiter.index) waiter.resolve();
  }

  /** Payloads of `fromIndex` up to, but without, `toIndex`; none of them may stand before `firstIndex`. */
  slice(fromIndex: number, toIndex: number): readonly Uint8Array[] {
    const offset = this.#begin - this.firstIndex;
    return this.#payloads.slice(fromIndex + offset, toIndex + offset);
  }

  /** Resolves when there is a record of the index or behind it. Rejects with the signal's reason, or that of `close`. */
  async reached(index: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (this.#nextIndex > index) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiter = { index, resolve, reject };
    const abort = () => reject(signal?.reason);
    this.#waiters.add(waiter);
    signal?.addEventListener("abort", abort, { once: true });
    try {
      await promise;
    } finally {
      this.#waiters.delete(waiter);
      signal?.removeEventListener("abort", abort);
    }
  }

  /** Nothing will come any more. */
  close(reason: unknown): void {
    for (const { reject } of this.#waiters) reject(reason);
  }
}

const NOTHING = new Uint8Array(0);
