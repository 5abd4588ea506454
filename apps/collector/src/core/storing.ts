/** How long what comes is not stored: what waits, and what was refused since something was stored last. Pure; all times by one clock that does not go back. */

interface Waiting {
  sinceMs: number;
}

export class Storing {
  /** The oldest first. */
  readonly #waiting = new Set<Waiting>();
  /** When the first came that was refused behind the last that was stored. */
  #refusedSinceMs: number | undefined;

  /** Something has come. @returns what is told when it is known what became of it. */
  came(nowMs: number): { stored: () => void; refused: () => void } {
    const one = { sinceMs: nowMs };
    this.#waiting.add(one);
    return {
      stored: () => {
        this.#waiting.delete(one);
        this.#refusedSinceMs = undefined;
      },
      refused: () => {
        this.#waiting.delete(one);
        this.#refusedSinceMs ??= one.sinceMs;
      },
    };
  }

  /** 0: all that came is stored. */
  notStoredMs(nowMs: number): number {
    const [oldest] = this.#waiting;
    return nowMs - Math.min(oldest?.sinceMs ?? nowMs, this.#refusedSinceMs ?? nowMs);
  }
}
