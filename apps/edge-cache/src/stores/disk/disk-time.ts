/** The clock of what is on disk: Unix milliseconds that never go back, also when the wall clock does, here or between two runs. */
import type { Clock } from "@glassline/service/clock";

export class DiskTime {
  readonly #clock: Clock;
  /** Unix milliseconds at 0 on the monotonic clock. */
  #offsetMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#offsetMs = clock.nowMs() - clock.monotonicMs();
  }

  /** Somebody has seen this moment: now is not before it. */
  saw(unixMs: number): void {
    if (unixMs > this.nowUnixMs()) this.#offsetMs = unixMs - this.#clock.monotonicMs();
  }

  nowUnixMs(): number {
    return this.unixMs(this.#clock.monotonicMs());
  }

  unixMs(monotonicMs: number): number {
    return monotonicMs + this.#offsetMs;
  }

  monotonicMs(unixMs: number): number {
    return unixMs - this.#offsetMs;
  }
}
