/**
 * Lets so many through a second, in order; the others wait. After a restart all producers come at once: each costs a verification of
 * its signature and a key batch, and those that are in should be served meanwhile. Pure but for its own memory.
 */
export class Admission {
  readonly #perSecond: number;
  readonly #burst: number;
  #tokens: number;
  #lastMs: number;
  #waiting: (() => void)[] = [];

  /** @param burst so many come through at once after a rest. */
  constructor(perSecond: number, burst: number, nowMs: number) {
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#tokens = burst;
    this.#lastMs = nowMs;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Calls `enter` now or when its turn comes. */
  add(enter: () => void, nowMs: number): void {
    this.#waiting.push(enter);
    this.run(nowMs);
  }

  /** Lets those in whose turn has come. */
  run(nowMs: number): void {
    const earned = ((nowMs - this.#lastMs) * this.#perSecond) / 1_000;
    this.#tokens = Math.min(this.#burst, this.#tokens + earned);
    this.#lastMs = nowMs;
    const count = Math.min(Math.floor(this.#tokens), this.#waiting.length);
    if (count === 0) return;
    this.#tokens -= count;
    const entering = this.#waiting.slice(0, count);
    this.#waiting = this.#waiting.slice(count);
    for (const enter of entering) enter();
  }
}
