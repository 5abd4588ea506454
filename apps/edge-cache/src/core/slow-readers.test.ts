import { describe, expect, test } from "vitest";

import { LEAST_BYTES_PER_S, SlowReaders } from "./slow-readers.ts";

describe("a reader is too slow", () => {
  test("who takes nothing for the patience, and the time that what waits may take", () => {
    const slow = new SlowReaders<string>(1_000);
    const at = (nowMs: number, takenBytes: number, waitingBytes: number) => {
      const verdict = slow.isTooSlow("a", takenBytes, waitingBytes, nowMs);
      slow.endRound();
      return verdict;
    };
    expect(at(0, 0, 2 * LEAST_BYTES_PER_S)).toBe(false);
    expect(at(2_900, 0, 2 * LEAST_BYTES_PER_S)).toBe(false);
    expect(at(3_100, 0, 2 * LEAST_BYTES_PER_S)).toBe(true);
    expect(at(3_200, 1, 2 * LEAST_BYTES_PER_S)).toBe(false);
    expect(at(4_300, 1, 1)).toBe(true);
  });

  test("but not one for whom nothing waited meanwhile", () => {
    const slow = new SlowReaders<string>(1_000);
    expect(slow.isTooSlow("a", 0, 1, 0)).toBe(false);
    slow.endRound();
    slow.endRound();
    expect(slow.isTooSlow("a", 0, 1, 5_000)).toBe(false);
  });
});
