import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { BandwidthEstimate, bestLevel } from "./bandwidth.ts";

describe("the estimate of a connection", () => {
  test("is what segments came with, and falls sooner than it rises", () => {
    const estimate = new BandwidthEstimate();
    expect(estimate.bitsPerSecond()).toBeUndefined();
    for (let at = 0; at < 20; at++) estimate.add(1_000_000, 1_000);
    expect(estimate.bitsPerSecond()).toBeCloseTo(8_000_000, 0);
    estimate.add(250_000, 3_000);
    const fallen = estimate.bitsPerSecond()!;
    expect(fallen).toBeLessThan(4_500_000);
    estimate.add(1_000_000, 100);
    expect(estimate.bitsPerSecond()).toBeLessThan(12_000_000);
    expect(estimate.bitsPerSecond()).toBeGreaterThan(fallen);
  });

  test("does not hear of small answers", () => {
    const estimate = new BandwidthEstimate();
    estimate.add(1_000, 500);
    expect(estimate.bitsPerSecond()).toBeUndefined();
  });
});

describe("the best variant", () => {
  const bandwidths = [3_000_000, 800_000, 6_000_000];
  test.each([
    ["nothing was measured", 0, undefined, 0],
    ["the connection carries all", 0, 20_000_000, 2],
    ["it carries a little more than is played", 0, 3_500_000, 0],
    ["it carries less than is played", 0, 2_900_000, 1],
    ["it carries none of them", 2, 100_000, 1],
    ["it carries hardly enough for the next", 1, 4_000_000, 1],
    ["it carries enough for the next", 1, 4_500_000, 0],
  ])("when %s", (_when, current, bitsPerSecond, expected) => {
    expect(bestLevel(bandwidths, current, bitsPerSecond)).toBe(expected);
  });

  test("is always one that there is, and stays where it was chosen", () => {
    const some = fc.array(fc.integer({ min: 1, max: 10_000_000 }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(some, fc.nat(7), fc.integer({ min: 1, max: 20_000_000 }), (all, at, bits) => {
        const current = at % all.length;
        const chosen = bestLevel(all, current, bits);
        expect(chosen).toBeGreaterThanOrEqual(0);
        expect(chosen).toBeLessThan(all.length);
        expect(all[bestLevel(all, chosen, bits)]).toBeGreaterThanOrEqual(all[chosen]!);
      }),
    );
  });
});
