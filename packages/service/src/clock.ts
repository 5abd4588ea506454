/** Time as a port, so that tests can turn it. */
import { setTimeout as sleepFor } from "node:timers/promises";

import { wallClockMs } from "@glassline/telemetry/wall-clock";

export interface Clock {
  /** Wall clock, Unix milliseconds. */
  nowMs(): number;
  /** Wall clock, Unix nanoseconds (microsecond resolution on the system clock). */
  nowUnixNano(): bigint;
  /** Never goes back; milliseconds since an arbitrary moment. */
  monotonicMs(): number;
  /** Resolves after the time; rejects with the signal's reason when that is aborted before. */
  sleep(lengthMs: number, signal?: AbortSignal): Promise<void>;
  /** Calls once after the time. @returns what prevents it. */
  after(lengthMs: number, call: () => void): () => void;
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  nowUnixNano: () => BigInt(Math.round(wallClockMs() * 1_000)) * 1_000n,
  monotonicMs: () => performance.now(),
  sleep: (lengthMs, signal) => sleepFor(lengthMs, undefined, signal ? { signal } : {}),
  after: (lengthMs, call) => {
    const timer = setTimeout(call, lengthMs);
    return () => clearTimeout(timer);
  },
};

/** Calls `tick` every interval until the signal is aborted; a tick that is still running delays the next. */
export async function every(
  clock: Clock,
  intervalMs: number,
  signal: AbortSignal,
  tick: () => void | Promise<void>,
): Promise<void> {
  while (!signal.aborted) {
    await clock.sleep(intervalMs, signal).catch(() => {});
    if (!signal.aborted) await tick();
  }
}
