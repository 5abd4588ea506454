import type { Clock } from "@glassline/service/clock";

/** One call at the soonest moment that was named. */
export class Ticks implements Disposable {
  readonly #clock: Clock;
  readonly #tick: () => void;
  #atMs = Infinity;
  #cancel: () => void = () => {};

  constructor(clock: Clock, tick: () => void) {
    this.#clock = clock;
    this.#tick = tick;
  }

  /** @param dueMs monotonic. A later one than is known changes nothing: a call may come for nothing. Undefined: none is wanted. */
  at(dueMs: number | undefined): void {
    if (dueMs === undefined || dueMs >= this.#atMs) return;
    this.#cancel();
    this.#atMs = dueMs;
    const lengthMs = Math.max(1, Math.ceil(dueMs - this.#clock.monotonicMs()));
    this.#cancel = this.#clock.after(lengthMs, () => {
      this.#atMs = Infinity;
      this.#tick();
    });
  }

  [Symbol.dispose](): void {
    this.#cancel();
    // Nothing is due any more.
    this.#atMs = -Infinity;
  }
}
