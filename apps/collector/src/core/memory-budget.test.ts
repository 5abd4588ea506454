import { describe, expect, test } from "vitest";

import { MemoryBudget } from "./memory-budget.ts";

describe("a budget of memory", () => {
  test("is bounded over all requests, and what a request held comes back", () => {
    const sums: number[] = [];
    const memory = new MemoryBudget(10, (sum) => sums.push(sum));
    const first = memory.hold();
    expect(first.grow(6)).toBe(true);
    {
      using second = memory.hold();
      expect(second.grow(5)).toBe(false);
      expect(second.grow(4)).toBe(true);
      expect(memory.isFull).toBe(true);
    }
    expect(memory.bytes).toBe(6);
    first.shrink(100);
    expect(memory.bytes).toBe(0);
    first[Symbol.dispose]();
    expect(sums).toEqual([6, 10, 6, 0, 0]);
  });
});
