/**
 * Lets so many through a second, in order; the others wait. After a restart all producers come at once: each costs a verification of
 * its signature and a key batch, and those that are in should be served meanwhile. Pure but for its own memory.
 */
export class Admission {
  readonly #perSecond: number;
  readonly #burst: number;
  #tokens: number;
  #lastMs: number;
  /** In the order in which they came. */
  readonly #waiting = new Set<() => void>();

  /** @param burst so many come through at once after a rest. */
  constructor(perSecond: number, burst: number, nowMs: number) {
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#tokens = burst;
    this.#lastMs = nowMs;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** Calls `enter` now or when its turn comes. */
  add(enter: () => void, nowMs: number): void {
    this.#waiting.add(enter);
    this.run(nowMs);
  }

  /** It waits no longer, and takes nobody's turn. */
  leave(enter: () => void): void {
    this.#waiting.delete(enter);
  }

  /** Lets those in whose turn has come. */
  run(nowMs: number): void {
    const earned = ((nowMs - this.#lastMs) * this.#perSecond) / 1_000;
    this.#tokens = Math.min(this.#burst, this.#tokens + earned);
    this.#lastMs = nowMs;
    for (const enter of this.#waiting) {
      if (this.#tokens < 1) return;
      this.#tokens--;
      this.#waiting.delete(enter);
      enter();
    }
  }
}
