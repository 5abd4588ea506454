/** Whether an edge is ready, looked at for as long as it runs: often while it starts. */
import type { EdgeSpec } from "@glassline/proto/node";
import type { Clock } from "@glassline/service/clock";

import { isReady } from "./readiness.ts";

/** How soon it is seen that an edge has become ready, and that one no longer is. */
const INTERVAL_MS = { notReady: 50, ready: 500 } as const;
/** One that is not ready for so long is looked at less often, too. */
const START_MS = 30_000;

export interface ReadinessDeps {
  clock: Clock;
  /** Of the agent. */
  stop: AbortSignal;
}

export class ReadinessLook {
  readonly #deps: ReadinessDeps;
  #isReady = false;
  #wasReady = false;
  #sinceUnixNano: bigint;
  #unreadySinceUnixNano: bigint;
  /** Another one when it runs anew. */
  #run = {};

  constructor(deps: ReadinessDeps) {
    this.#deps = deps;
    this.#sinceUnixNano = this.#unreadySinceUnixNano = deps.clock.nowUnixNano();
  }

  /** When it was looked at last. */
  get isReady(): boolean {
    return this.#isReady;
  }

  /** At some look since it runs. */
  get wasReady(): boolean {
    return this.#wasReady;
  }

  /** Since when this has been so, Unix nanoseconds. */
  get sinceUnixNano(): bigint {
    return this.#sinceUnixNano;
  }

  /** Since when it has not been ready, Unix nanoseconds; of one that is, the last time. */
  get unreadySinceUnixNano(): bigint {
    return this.#unreadySinceUnixNano;
  }

  /** It runs anew, or no more. */
  reset(): void {
    this.#run = {};
    this.#set(false);
    this.#wasReady = false;
  }

  /** @returns whether that has changed. */
  async look({ spec }: { spec: EdgeSpec }): Promise<boolean> {
    const run = this.#run;
    const ready = await isReady(spec);
    if (run !== this.#run || ready === this.#isReady) return false;
    this.#set(ready);
    return true;
  }

  /**
   * Until it is reset.
   * @param started what runs; its description may become another one.
   * @param looked what to do each time it was looked at.
   */
  async keepLooking(
    started: { spec: EdgeSpec },
    looked: (look: { hasChanged: boolean; ageMs: number }) => void,
  ): Promise<void> {
    const { clock, stop } = this.#deps;
    const run = this.#run;
    const startMs = clock.monotonicMs();
    while (run === this.#run && !stop.aborted) {
      const hasChanged = await this.look(started);
      if (run !== this.#run) return;
      const ageMs = clock.monotonicMs() - startMs;
      looked({ hasChanged, ageMs });
      const isStarting = !this.#isReady && ageMs < START_MS;
      const intervalMs = INTERVAL_MS[isStarting ? "notReady" : "ready"];
      await clock.sleep(intervalMs, stop).catch(() => {});
    }
  }

  #set(isReady: boolean): void {
    this.#sinceUnixNano = this.#deps.clock.nowUnixNano();
    if (this.#isReady) this.#unreadySinceUnixNano = this.#sinceUnixNano;
    this.#isReady = isReady;
    this.#wasReady ||= isReady;
  }
}
