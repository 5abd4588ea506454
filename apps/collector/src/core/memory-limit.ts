/** What the whole process may use. Above it, what can go goes; when that does not help, nothing more is taken in. */

/** Collecting stops everything else for as long as it takes. */
const COLLECT_INTERVAL_MS = 10_000;

export interface ProcessMemory {
  /** Of the heap and buffers, with what has not been collected yet. */
  usedBytes(): number;
  /** Lets go of what is found elsewhere too. */
  shed(): void;
  /** Garbage is gone when it returns. */
  collect(): void;
}

/** Says why nothing is taken in, when it is so. */
export interface Closable {
  /** Undefined: it may be taken. */
  readonly closedBecause: string | undefined;
}

export class MemoryLimit implements Closable {
  readonly #maxBytes: number;
  readonly #memory: ProcessMemory;
  #collectedMs = Number.NEGATIVE_INFINITY;
  closedBecause: string | undefined;

  /** @param maxBytes 0: no limit. */
  constructor(maxBytes: number, memory: ProcessMemory) {
    this.#maxBytes = maxBytes;
    this.#memory = memory;
  }

  /** To be called every second or so. */
  look(nowMs: number): void {
    if (this.#maxBytes === 0) return;
    let used = this.#memory.usedBytes();
    if (used > this.#maxBytes && nowMs - this.#collectedMs >= COLLECT_INTERVAL_MS) {
      this.#memory.shed();
      this.#memory.collect();
      this.#collectedMs = nowMs;
      used = this.#memory.usedBytes();
    }
    this.closedBecause =
      used > this.#maxBytes
        ? `memory in use: got ${used} bytes, expected at most ${this.#maxBytes} (--memory-limit)`
        : undefined;
  }
}
