import fc from "fast-check";
import { expect, test } from "vitest";

import { Admission } from "./admission.ts";

test("lets a burst in at once, then so many a second, in order", () => {
  const entered: number[] = [];
  const admission = new Admission(100, 5, 0);
  for (let one = 0; one < 50; one++) admission.add(() => entered.push(one), 0);
  expect(entered).toEqual([0, 1, 2, 3, 4]);
  admission.run(100);
  expect(entered).toHaveLength(10);
  admission.run(10_000);
  // However long the rest was, no more than a burst.
  expect(entered).toHaveLength(15);
  for (let nowMs = 10_010; admission.waiting > 0; nowMs += 10) admission.run(nowMs);
  expect(entered).toEqual(Array.from({ length: 50 }, (_, at) => at));
});

test("those who leave take nobody's turn", () => {
  const entered: number[] = [];
  const admission = new Admission(10, 1, 0);
  const enter = Array.from({ length: 6 }, (_, at) => () => void entered.push(at));
  for (const one of enter) admission.add(one, 0);
  for (const one of enter.slice(0, 5)) admission.leave(one);
  expect(admission.waiting).toBe(1);
  admission.run(100);
  expect([entered, admission.waiting]).toEqual([[0, 5], 0]);
});

test("never lets in more than the rate allows, and forgets nobody", () => {
  const step = fc.record({ afterMs: fc.nat({ max: 300 }), arrivals: fc.nat({ max: 20 }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const admission = new Admission(50, 4, 0);
      let [nowMs, arrived, entered] = [0, 0, 0];
      for (const { afterMs, arrivals } of steps) {
        nowMs += afterMs;
        admission.run(nowMs);
        for (let one = 0; one < arrivals; one++) admission.add(() => entered++, nowMs);
        arrived += arrivals;
        expect(entered).toBeLessThanOrEqual(4 + (nowMs * 50) / 1_000);
        expect(entered + admission.waiting).toBe(arrived);
      }
    }),
  );
});
