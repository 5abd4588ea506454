import type { Clock } from "@glassline/service/clock";

/** One call at the soonest moment that was named. */
export class Ticks implements Disposable {
  readonly #clock: Clock;
  readonly #tick: () => void;
  #atMs = Infinity;
  #waiting = new AbortController();

  constructor(clock: Clock, tick: () => void) {
    this.#clock = clock;
    this.#tick = tick;
  }

  /** @param dueMs monotonic. A later one than is known changes nothing: a call may come for nothing. Undefined: none is wanted. */
  at(dueMs: number | undefined): void {
    if (dueMs === undefined || dueMs >= this.#atMs) return;
    this.#waiting.abort();
    this.#waiting = new AbortController();
    this.#atMs = dueMs;
    void this.#wait(this.#waiting.signal);
  }

  async #wait(signal: AbortSignal): Promise<void> {
    const lengthMs = Math.max(1, Math.ceil(this.#atMs - this.#clock.monotonicMs()));
    await this.#clock.sleep(lengthMs, signal).catch(() => {});
    if (signal.aborted) return;
    this.#atMs = Infinity;
    this.#tick();
  }

  [Symbol.dispose](): void {
    this.#waiting.abort();
  }
}
