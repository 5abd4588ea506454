import fc from "fast-check";
import { expect, test } from "vitest";

import { Pace, addFailure, newProgress } from "./priming.ts";

test("whenever objects are asked for, in no second are there more than so many", () => {
  const pauses = fc.array(fc.integer({ min: 0, max: 400 }), { minLength: 1, maxLength: 100 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), pauses, (perSecond, pausesMs) => {
      const pace = new Pace(perSecond);
      const timesMs: number[] = [];
      let nowMs = 0;
      for (const pauseMs of pausesMs) {
        nowMs += pauseMs;
        nowMs += pace.take(nowMs);
        timesMs.push(nowMs);
      }
      for (const [at, timeMs] of timesMs.entries()) {
        const inSecond = timesMs.slice(at).filter((other) => other < timeMs + 1_000 - 1e-6);
        expect(inSecond.length).toBeLessThanOrEqual(perSecond);
      }
    }),
  );
});

test("who asks in time does not wait", () => {
  const pace = new Pace(10);
  expect([0, 100, 250, 260].map((nowMs) => pace.take(nowMs))).toEqual([0, 0, 0, 90]);
});

test("all failures are counted, the first hundred told", () => {
  const progress = newProgress();
  for (let at = 0; at < 150; at++) addFailure(progress, `/${at}`, "why");
  expect(progress.failed).toBe(150);
  expect(progress.failures).toHaveLength(100);
});
