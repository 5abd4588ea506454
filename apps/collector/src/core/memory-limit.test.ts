import { describe, expect, test } from "vitest";

import { MemoryBudget } from "./memory-budget.ts";
import { MemoryLimit } from "./memory-limit.ts";

/** A process with some that is needed, some that can go, and garbage. */
function limited(maxBytes: number, memory: { live: number; recent: number; garbage: number }) {
  const done: string[] = [];
  const limit = new MemoryLimit(maxBytes, {
    usedBytes: () => memory.live + memory.recent + memory.garbage,
    shed: () => {
      done.push("shed");
      [memory.garbage, memory.recent] = [memory.garbage + memory.recent / 2, memory.recent / 2];
    },
    collect: () => {
      done.push("collect");
      memory.garbage = 0;
    },
  });
  return { limit, done, memory };
}

describe("the limit of the process's memory", () => {
  test("is not looked at where there is none", () => {
    const { limit, done } = limited(0, { live: 1e9, recent: 0, garbage: 0 });
    limit.look(0);
    expect([limit.closedBecause, done]).toEqual([undefined, []]);
  });

  test("lets go of what may go before anything is refused", () => {
    const { limit, done } = limited(100, { live: 50, recent: 40, garbage: 30 });
    limit.look(0);
    expect(limit.closedBecause).toBeUndefined();
    expect(done).toEqual(["shed", "collect"]);
  });

  test("closes what does not help, says why, and opens again", () => {
    const { limit, done, memory } = limited(100, { live: 150, recent: 0, garbage: 0 });
    const budget = new MemoryBudget(1_000, undefined, limit);
    using held = budget.hold();
    expect(held.grow(10)).toBe(true);
    for (const nowMs of [0, 1_000, 9_999]) limit.look(nowMs);
    expect(done).toEqual(["shed", "collect"]);
    expect([held.grow(1), budget.isFull, budget.bytes]).toEqual([false, true, 10]);
    expect(held.refusal).toBe(
      "memory in use: got 150 bytes, expected at most 100 (--memory-limit)",
    );
    held.shrink(4);
    memory.live = 100;
    limit.look(10_000);
    expect([held.grow(1), budget.isFull, budget.bytes]).toEqual([true, false, 7]);
  });

  test("collects again when some time has passed", () => {
    const { limit, done, memory } = limited(100, { live: 90, recent: 0, garbage: 20 });
    limit.look(0);
    memory.garbage = 20;
    limit.look(5_000);
    expect(limit.closedBecause).toBeDefined();
    limit.look(10_000);
    expect(limit.closedBecause).toBeUndefined();
    expect(done).toHaveLength(4);
  });
});
