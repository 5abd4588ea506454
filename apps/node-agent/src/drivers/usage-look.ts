/** What an edge has and has used, looked at now and then. */
import type { Clock } from "@glassline/service/clock";

import type { Started, Usage } from "./driver.ts";
import type { Drivers } from "./drivers.ts";

const INTERVAL_MS = 5_000;

export class UsageLook {
  readonly #drivers: Drivers;
  readonly #clock: Clock;
  #usage: Usage | undefined;
  #lookedMs = -Infinity;

  constructor({ drivers, clock }: { drivers: Drivers; clock: Clock }) {
    this.#drivers = drivers;
    this.#clock = clock;
  }

  /** Where that was not done lately. */
  async look(started: Started): Promise<void> {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#lookedMs < INTERVAL_MS) return;
    this.#lookedMs = nowMs;
    this.#usage = await this.#drivers
      .of(started.spec)
      .usage(started)
      .catch(() => undefined);
  }

  /** It runs anew, or no more. */
  reset(): void {
    this.#usage = undefined;
    this.#lookedMs = -Infinity;
  }

  /** 0: nothing is known. */
  get state() {
    const { memoryBytes = 0, cpuMs = 0 } = this.#usage ?? {};
    return { memoryBytes: BigInt(Math.round(memoryBytes)), cpuMs: BigInt(Math.round(cpuMs)) };
  }
}
