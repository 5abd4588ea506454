/** Checks of many services that change at random moments, as passive results; each tells its state again and again, as checks do. */
import { setTimeout as delay } from "node:timers/promises";

import type { IcingaClient } from "../../src/observers/icinga/client.ts";

const AGAIN_MS = 2_000;
/** Icinga is away during a part of its reload. */
const RETRY_MS = 100;
const SHORT_MAX_MS = 2_000;
const LONG_MAX_MS = 16_000;
/** Of all states that are held. */
const LONG_SHARE = 0.4;
const OK = 0;
const CRITICAL = 2;

export class Feeder implements AsyncDisposable {
  readonly #client: IcingaClient;
  readonly #random: () => number;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>[];
  /** When good results were sent, by service, Unix milliseconds. */
  readonly goodMs = new Map<string, number[]>();
  results = 0;
  changes = 0;
  refused = 0;

  constructor(client: IcingaClient, services: readonly string[], random: () => number) {
    this.#client = client;
    this.#random = random;
    this.#running = services.map((service) => this.#feed(service));
  }

  /** No more changes. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#running);
  }

  /** Until Icinga has taken it. */
  async tell(service: string, isGood: boolean, signal = new AbortController().signal) {
    while (!signal.aborted) {
      const sentMs = Date.now();
      try {
        const result = { exit_status: isGood ? OK : CRITICAL, plugin_output: "by lot" };
        // A result that is cut off may have arrived.
        if (isGood) this.goodMs.set(service, [...(this.goodMs.get(service) ?? []), sentMs]);
        await this.#client.act("process-check-result", service, result, signal);
        this.results++;
        return;
      } catch {
        this.refused++;
        await delay(RETRY_MS);
      }
    }
  }

  async #feed(service: string): Promise<void> {
    const { signal } = this.#stop;
    let isGood = true;
    while (!signal.aborted) {
      const untilMs = performance.now() + this.#heldMs();
      this.changes++;
      while (!signal.aborted && performance.now() < untilMs) {
        await this.tell(service, isGood, signal);
        const waitMs = Math.min(AGAIN_MS, untilMs - performance.now());
        await delay(Math.max(1, waitMs), undefined, { signal }).catch(() => {});
      }
      isGood = !isGood;
    }
  }

  #heldMs(): number {
    const maxMs = this.#random() < LONG_SHARE ? LONG_MAX_MS : SHORT_MAX_MS;
    return maxMs * this.#random();
  }
}
