import { describe, expect, test } from "vitest";

import type { Clock } from "./clock.ts";
import { every, systemClock } from "./clock.ts";
import { simulatedClock } from "./clock.testing.ts";

/** What any clock promises; `pass` lets the time go by. */
function clockContract(
  name: string,
  make: () => { clock: Clock; pass: (lengthMs: number) => Promise<void> },
) {
  describe(`${name} keeps the contract of a clock`, () => {
    test("time does not stand still and its units agree", async () => {
      const { clock, pass } = make();
      const [startMs, startMonotonicMs] = [clock.nowMs(), clock.monotonicMs()];
      await pass(20);
      expect(clock.nowMs()).toBeGreaterThan(startMs);
      expect(clock.monotonicMs()).toBeGreaterThan(startMonotonicMs);
      expect(Math.abs(Number(clock.nowUnixNano() / 1_000_000n) - clock.nowMs())).toBeLessThan(100);
    });

    test("sleep ends after the time, and at once when it is aborted", async () => {
      const { clock, pass } = make();
      const startMs = clock.monotonicMs();
      const slept = clock.sleep(15);
      await pass(30);
      await slept;
      expect(clock.monotonicMs() - startMs).toBeGreaterThanOrEqual(14);
      const abort = new AbortController();
      const endless = clock.sleep(1_000_000, abort.signal);
      abort.abort();
      await expect(endless).rejects.toThrow();
    });

    test("every ticks until it is aborted", async () => {
      const { clock, pass } = make();
      const abort = new AbortController();
      const ticks: number[] = [];
      const done = every(clock, 5, abort.signal, () => void ticks.push(clock.monotonicMs()));
      while (ticks.length < 3) await pass(5);
      abort.abort();
      await done;
      const ticked = ticks.length;
      await pass(60);
      expect(ticks).toHaveLength(ticked);
    });
  });
}

clockContract("the system clock", () => ({
  clock: systemClock,
  pass: (lengthMs) => systemClock.sleep(lengthMs),
}));
clockContract("the simulated clock", () => {
  const clock = simulatedClock();
  return { clock, pass: (lengthMs) => clock.advance(lengthMs) };
});
