/** Who takes what it is sent too slowly. Pure. */

/** Below the lowest rate of any picture: what waits for a client has to shrink by so much. */
export const LEAST_BYTES_PER_S = 16_384;

interface Seen {
  takenBytes: number;
  sinceMs: number;
}

export class SlowReaders<Reader> {
  readonly #patienceMs: number;
  #seen = new Map<Reader, Seen>();
  #next = new Map<Reader, Seen>();

  /** @param patienceMs with one that takes nothing. */
  constructor(patienceMs: number) {
    this.#patienceMs = patienceMs;
  }

  /**
   * A look at one for whom something waits.
   * @param takenBytes since it came, as far as is known: it may be told late, when a whole write has been taken.
   * @returns whether its time is over.
   */
  isTooSlow(reader: Reader, takenBytes: number, waitingBytes: number, nowMs: number): boolean {
    const known = this.#seen.get(reader);
    const seen = known?.takenBytes === takenBytes ? known : { takenBytes, sinceMs: nowMs };
    this.#next.set(reader, seen);
    const allowedMs = this.#patienceMs + (1_000 * waitingBytes) / LEAST_BYTES_PER_S;
    return nowMs - seen.sinceMs > allowedMs;
  }

  /** All have been looked at: the others have nothing that waits for them. */
  endRound(): void {
    this.#seen = this.#next;
    this.#next = new Map();
  }
}
