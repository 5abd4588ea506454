/** Who watches: distinct sessions that asked for a playlist or a segment lately. Pure. */

/** More are not told apart. */
const SESSIONS_MAX = 100_000;
/** A share of the window: who was seen so lately need not be seen again. */
const LATELY = 1 / 16;

export class Viewers {
  readonly #windowMs: number;
  /** Session -> when it was seen last; in that order. */
  readonly #seen = new Map<string, number>();

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  saw(session: string, nowMs: number): void {
    const seenMs = this.#seen.get(session);
    if (seenMs !== undefined) {
      if (nowMs - seenMs < LATELY * this.#windowMs) return;
      this.#seen.delete(session);
    }
    this.#forget(nowMs);
    if (this.#seen.size < SESSIONS_MAX) this.#seen.set(session, nowMs);
  }

  count(nowMs: number): number {
    this.#forget(nowMs);
    return this.#seen.size;
  }

  #forget(nowMs: number): void {
    for (const [session, seenMs] of this.#seen) {
      if (nowMs - seenMs <= this.#windowMs) return;
      this.#seen.delete(session);
    }
  }
}
