/** Requests for what will exist soon: each waits for a limited time, and only so many of them. */
import type { Clock } from "@glassline/service/clock";

import type { Found, NotYet } from "./channels/channel.ts";
import { isFound } from "./channels/channel.ts";
import type { OriginMetrics } from "./metrics.ts";

/** Edges hold equal requests of players together: one for each part, rendition and edge. */
const HELD_MAX = 4_096;

/** Why a request that waited was not answered: its time was over, too many wait, or its client has left. */
export type Unanswered = "late" | "full" | "left";

export interface HeldRequestsDeps {
  clock: Clock;
  metrics: OriginMetrics;
  /** Requests at a time. */
  heldMax?: number;
}

export class HeldRequests {
  readonly #deps: Required<HeldRequestsDeps>;
  #held = 0;

  constructor(deps: HeldRequestsDeps) {
    this.#deps = { heldMax: HELD_MAX, ...deps };
  }

  /**
   * What `find` gives, once it is no longer something that will exist soon.
   * @param leaving aborted when the client is gone.
   */
  async answer(
    find: () => Found | NotYet | undefined,
    leaving: AbortSignal,
  ): Promise<Found | undefined | Unanswered> {
    const first = find();
    if (!first || isFound(first)) return first;
    const { what } = first;
    const { holds, held } = this.#deps.metrics;
    const isFull = this.#held >= this.#deps.heldMax;
    if (!isFull) held.inc({ what });
    this.#held++;
    try {
      const answer = isFull ? "full" : await this.#wait(first, find, leaving);
      holds.inc({ what, outcome: typeof answer === "string" ? answer : "answered" });
      return answer;
    } finally {
      this.#held--;
      if (!isFull) held.dec({ what });
    }
  }

  async #wait(
    first: NotYet,
    find: () => Found | NotYet | undefined,
    leaving: AbortSignal,
  ): Promise<Found | undefined | Unanswered> {
    const { clock } = this.#deps;
    const untilMs = clock.monotonicMs() + first.timeLimitMs;
    for (let answer: ReturnType<typeof find> = first; ; answer = find()) {
      if (!answer || isFound(answer)) return answer;
      const leftMs = untilMs - clock.monotonicMs();
      if (leftMs <= 0) return "late";
      const waitMs = Math.min(answer.existsFromMs - clock.nowMs(), leftMs);
      try {
        // Whole milliseconds, as clocks count them, and at least one: a moment lies between two of them.
        await clock.sleep(Math.max(1, Math.ceil(waitMs)), leaving);
      } catch {
        return "left";
      }
    }
  }
}
