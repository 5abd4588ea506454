/** The memory of all bodies that are coming from the origin. Pure. */

/** Smaller bodies are always taken: refusing them saves nothing. */
export const LARGE_BYTES = 1_048_576;
/** What may wait for the reader of a body that is not kept; while memory is short, the smaller one. */
const WINDOW_BYTES = 1_048_576;
const SHORT_WINDOW_BYTES = 65_536;

/** Why a large body was not treated as others: memory was short, or one of its readers too slow. */
export type Shortage = "not_kept" | "refused" | "reader_cut";

interface Waiting {
  bytes: number;
  alreadyBytes: number;
  end: (hasRoom: boolean) => void;
}

export class InFlight {
  readonly #maxBytes: number;
  readonly #counted: (what: Shortage) => void;
  #bytes = 0;
  #reservedBytes = 0;
  /** In order. */
  readonly #waiting = new Set<Waiting>();

  /** @param maxBytes of all bodies that are kept until they are whole; those that are not get as much again. */
  constructor(maxBytes: number, counted: (what: Shortage) => void = () => {}) {
    this.#maxBytes = maxBytes;
    this.#counted = counted;
  }

  /** That have come, and have not been let go or stored. */
  get bytes(): number {
    return this.#bytes;
  }

  add(bytes: number): void {
    this.#bytes += bytes;
  }

  remove(bytes: number): void {
    this.#bytes -= bytes;
  }

  /**
   * @param alreadyBytes that the body has.
   * @returns whether there is room for it, or for more of it, until it is whole; a body that is alone always has it.
   */
  reserve(bytes: number, alreadyBytes: number): boolean {
    const othersBytes = this.#reservedBytes - alreadyBytes;
    if (othersBytes > 0 && this.#reservedBytes + bytes > this.#maxBytes) return false;
    this.#reservedBytes += bytes;
    return true;
  }

  /** Resolves with whether there is room: when others have come to their end, or the signal is aborted. */
  whenRoom(bytes: number, alreadyBytes: number, signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const late = () => waiting.end(false);
      const end = (hasRoom: boolean) => {
        this.#waiting.delete(waiting);
        signal.removeEventListener("abort", late);
        resolve(hasRoom);
      };
      const waiting: Waiting = { bytes, alreadyBytes, end };
      signal.addEventListener("abort", late);
      this.#waiting.add(waiting);
    });
  }

  release(bytes: number): void {
    this.#reservedBytes -= bytes;
    for (const waiting of this.#waiting) {
      if (!this.reserve(waiting.bytes, waiting.alreadyBytes)) break;
      waiting.end(true);
    }
  }

  get windowBytes(): number {
    return this.#bytes < this.#maxBytes ? WINDOW_BYTES : SHORT_WINDOW_BYTES;
  }

  /** No further large body has room, not even one that is passed at the pace of its reader. */
  get isExhausted(): boolean {
    return this.#bytes >= 2 * this.#maxBytes;
  }

  count(what: Shortage): void {
    this.#counted(what);
  }
}
