/**
 * Frames whose way has just gone: another one is asked for, and is mostly there within a round trip or two. They wait for it, not long and not many; a
 * relay keeps nothing else.
 */
import type { Data } from "@glassline/proto/mesh";
import type { Clock } from "@glassline/service/clock";

import { Ticks } from "./ticks.ts";

/** A way may have to be looked for several times in a row, where links that nobody used turn out to be dead. */
const WAIT_MS = 3_000;
/** Payloads, of all together. */
const WAITING_MAX_BYTES = 1_048_576;

interface Waiting {
  data: Data;
  untilMs: number;
}

export class WaySeekers implements Disposable {
  readonly #clock: Clock;
  readonly #gaveUp: () => void;
  readonly #ticks: Ticks;
  /** By destination, in their order. */
  readonly #waiting = new Map<string, Waiting[]>();
  #bytes = 0;

  /** @param gaveUp told of each frame for which no way came. */
  constructor(clock: Clock, gaveUp: () => void) {
    [this.#clock, this.#gaveUp] = [clock, gaveUp];
    this.#ticks = new Ticks(clock, () => this.#giveUp());
  }

  /** False: there is no room. */
  add(data: Data): boolean {
    if (this.#bytes + data.payload.length > WAITING_MAX_BYTES) return false;
    const waiting = this.#waiting.get(data.destination) ?? [];
    this.#waiting.set(data.destination, waiting);
    const untilMs = this.#clock.monotonicMs() + WAIT_MS;
    waiting.push({ data, untilMs });
    this.#bytes += data.payload.length;
    this.#ticks.at(untilMs);
    return true;
  }

  /** Those for a destination; they do not wait any more. */
  take(destination: string): Data[] {
    const waiting = this.#waiting.get(destination);
    if (!waiting) return [];
    this.#waiting.delete(destination);
    for (const { data } of waiting) this.#bytes -= data.payload.length;
    return waiting.map(({ data }) => data);
  }

  #giveUp(): void {
    const nowMs = this.#clock.monotonicMs();
    for (const [destination, waiting] of this.#waiting) {
      while (waiting[0] && waiting[0].untilMs <= nowMs) {
        this.#bytes -= waiting.shift()!.data.payload.length;
        this.#gaveUp();
      }
      if (waiting[0]) this.#ticks.at(waiting[0].untilMs);
      else this.#waiting.delete(destination);
    }
  }

  [Symbol.dispose](): void {
    this.#ticks[Symbol.dispose]();
  }
}
