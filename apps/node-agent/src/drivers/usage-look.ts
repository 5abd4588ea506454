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
  /** Another one when it runs anew. */
  #run = {};

  constructor({ drivers, clock }: { drivers: Drivers; clock: Clock }) {
    this.#drivers = drivers;
    this.#clock = clock;
  }

  /** Where that was not done lately. Nobody waits for it: a virtual machine is asked for seconds. */
  look(started: Started): void {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#lookedMs < INTERVAL_MS) return;
    this.#lookedMs = nowMs;
    void this.#ask(started);
  }

  /** It runs anew, or no more. */
  reset(): void {
    this.#usage = undefined;
    this.#lookedMs = -Infinity;
    this.#run = {};
  }

  /** 0: nothing is known. */
  get state() {
    const { memoryBytes = 0, cpuMs = 0 } = this.#usage ?? {};
    return { memoryBytes: BigInt(Math.round(memoryBytes)), cpuMs: BigInt(Math.round(cpuMs)) };
  }

  async #ask(started: Started): Promise<void> {
    const run = this.#run;
    const driver = this.#drivers.of(started.spec);
    const usage = await driver.usage(started).catch(() => undefined);
    if (run === this.#run) this.#usage = usage;
  }
}
