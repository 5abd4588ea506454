/** A clock that a test turns by hand. */
import type { Clock } from "./clock.ts";

interface Sleeper {
  wakeAtMs: number;
  wake: () => void;
}

export interface SimulatedClock extends Clock {
  /** Moves time on, waking sleepers in order, and lets their continuations run. */
  advance(lengthMs: number): Promise<void>;
}

export function simulatedClock(startMs = Date.UTC(2026, 0, 1)): SimulatedClock {
  let nowMs = startMs;
  let sleepers: Sleeper[] = [];
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
  return {
    nowMs: () => nowMs,
    nowUnixNano: () => BigInt(Math.round(nowMs * 1_000)) * 1_000n,
    monotonicMs: () => nowMs - startMs,
    sleep: (lengthMs, signal) =>
      new Promise((resolve, reject) => {
        signal?.throwIfAborted();
        const sleeper = { wakeAtMs: nowMs + lengthMs, wake: resolve };
        sleepers.push(sleeper);
        signal?.addEventListener("abort", () => {
          sleepers = sleepers.filter((other) => other !== sleeper);
          reject(signal.reason as Error);
        });
      }),
    after: (lengthMs, call) => {
      const sleeper = { wakeAtMs: nowMs + lengthMs, wake: call };
      sleepers.push(sleeper);
      return () => void (sleepers = sleepers.filter((other) => other !== sleeper));
    },
    advance: async (lengthMs) => {
      const untilMs = nowMs + lengthMs;
      for (;;) {
        await settle();
        const next = sleepers.toSorted((a, b) => a.wakeAtMs - b.wakeAtMs)[0];
        if (!next || next.wakeAtMs > untilMs) break;
        nowMs = next.wakeAtMs;
        sleepers = sleepers.filter((other) => other !== next);
        next.wake();
      }
      nowMs = untilMs;
      await settle();
    },
  };
}
