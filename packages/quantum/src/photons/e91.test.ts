import { seededRandom } from "@glassline/service/random";
import { describe, expect, test } from "vitest";

import { chshOf, qberOf } from "../physics/pairs.ts";
import { CHSH_LOCAL, DIRECTIONS, measurePairs, siftPairs } from "./e91.ts";

const PAIRS = 3_000_000;

const siftedOf = (fidelity: number, eavesdropped = 0) =>
  siftPairs(measurePairs({ pairs: PAIRS, fidelity, eavesdropped }, seededRandom(91)));

/** Share of wrong bits, and its standard deviation. */
function wrongOf({ alice, bob }: ReturnType<typeof siftedOf>) {
  const share = alice.filter((bit, at) => bit !== bob[at]).length / alice.length;
  return { share, deviation: Math.sqrt((share * (1 - share)) / alice.length) };
}

describe("E91", () => {
  test.each([1, 0.95, 0.9, 0.8])(
    "with Werner pairs of fidelity %s violates the inequality, and errs, as the closed forms say",
    (fidelity) => {
      const sifted = siftedOf(fidelity);
      expect(Math.abs(sifted.chsh - chshOf(fidelity))).toBeLessThan(3 * sifted.chshDeviation);
      expect(Math.abs(sifted.chsh / chshOf(fidelity) - 1)).toBeLessThan(0.01);
      const { share, deviation } = wrongOf(sifted);
      expect(Math.abs(share - qberOf(fidelity))).toBeLessThanOrEqual(3 * deviation);
      // Two of nine pairs of directions are alike.
      expect(sifted.alice.length / PAIRS).toBeCloseTo(2 / 9, 2);
    },
  );

  test("shows somebody who looks at each photon: nothing is left that local parts could not do", () => {
    const sifted = siftedOf(1, 1);
    expect(sifted.chsh + 3 * sifted.chshDeviation).toBeLessThan(CHSH_LOCAL);
    const through = (a: number, b: number) =>
      DIRECTIONS.bob.reduce((sum, e) => sum + Math.cos(2 * (a - e)) * Math.cos(2 * (e - b)), 0) / 3;
    const [a1, , a3] = DIRECTIONS.alice;
    const [b1, , b3] = DIRECTIONS.bob;
    const expected = through(a1, b1) - through(a1, b3) + through(a3, b1) + through(a3, b3);
    expect(Math.abs(sifted.chsh - expected)).toBeLessThan(3 * sifted.chshDeviation);
    const alike = [DIRECTIONS.alice[1], DIRECTIONS.alice[2]];
    const wrong = alike.reduce((sum, angle) => sum + (1 - through(angle, angle)) / 2, 0) / 2;
    const { share, deviation } = wrongOf(sifted);
    expect(Math.abs(share - wrong)).toBeLessThan(3 * deviation);
  });

  test("shows it in part where he looks at a part", () => {
    const [half, none] = [siftedOf(0.97, 0.5), siftedOf(0.97)];
    expect(half.chsh).toBeLessThan(none.chsh - 0.3);
    expect(wrongOf(half).share).toBeGreaterThan(2 * wrongOf(none).share);
  });
});
