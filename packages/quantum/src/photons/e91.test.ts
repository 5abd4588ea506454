import { seededRandom } from "@glassline/service/random";
import { describe, expect, test } from "vitest";

import { chshOf, qberOf } from "../physics/pairs.ts";
import {
  CHSH_LOCAL,
  Chsh,
  interceptedHalves,
  isAlike,
  measureHalves,
  measuredHalves,
  otherHalves,
} from "./e91.ts";

const PAIRS = 3_000_000;

/** S, the bits where both directions were alike, and how many of those are wrong. */
function measured(fidelity: number, eavesdropped = 0) {
  const random = seededRandom(91);
  const bytes = Uint8Array.from({ length: 2 * PAIRS }, () => Math.floor(256 * random()));
  const halves = measureHalves(bytes);
  const arrived = otherHalves(halves, { share: 1, fidelity }, random);
  const { bases, bits } = measuredHalves(interceptedHalves(arrived, eavesdropped, random), random);
  const chsh = new Chsh();
  let [alike, wrong] = [0, 0];
  for (let pair = 0; pair < PAIRS; pair++) {
    const [direction, isSame] = [halves.directions[pair]!, halves.bits[pair] === bits[pair]];
    chsh.add(direction, bases[pair]!, isSame);
    if (!isAlike(direction, bases[pair]!)) continue;
    alike++;
    if (!isSame) wrong++;
  }
  const share = wrong / alike;
  return { chsh, alike, share, deviation: Math.sqrt((share * (1 - share)) / alike) };
}

describe("E91", () => {
  test.each([1, 0.95, 0.9, 0.8])(
    "with Werner pairs of fidelity %s violates the inequality, and errs, as the closed forms say",
    (fidelity) => {
      const { chsh, alike, share, deviation } = measured(fidelity);
      expect(Math.abs(chsh.value - chshOf(fidelity))).toBeLessThan(3 * chsh.deviation);
      expect(Math.abs(chsh.value / chshOf(fidelity) - 1)).toBeLessThan(0.01);
      expect(Math.abs(share - qberOf(fidelity))).toBeLessThanOrEqual(3 * deviation);
      // Two of nine pairs of directions are alike.
      expect(alike / PAIRS).toBeCloseTo(2 / 9, 2);
    },
  );

  test("shows somebody who looks at each photon: nothing is left that local parts could not do", () => {
    const { chsh, share, deviation } = measured(1, 1);
    expect(chsh.value + 3 * chsh.deviation).toBeLessThan(CHSH_LOCAL);
    const [alice, bob] = [
      [0, Math.PI / 8, Math.PI / 4],
      [Math.PI / 8, Math.PI / 4, (3 * Math.PI) / 8],
    ];
    const through = (a: number, b: number) =>
      bob!.reduce((sum, e) => sum + Math.cos(2 * (a - e)) * Math.cos(2 * (e - b)), 0) / 3;
    const [[a1, , a3], [b1, , b3]] = [alice, bob] as [number[], number[]];
    const expected = through(a1!, b1!) - through(a1!, b3!) + through(a3!, b1!) + through(a3!, b3!);
    expect(Math.abs(chsh.value - expected)).toBeLessThan(3 * chsh.deviation);
    const alike = [Math.PI / 8, Math.PI / 4];
    const wrong = alike.reduce((sum, angle) => sum + (1 - through(angle, angle)) / 2, 0) / 2;
    expect(Math.abs(share - wrong)).toBeLessThan(3 * deviation);
  });

  test("shows it in part where he looks at a part", () => {
    const [half, none] = [measured(0.97, 0.5), measured(0.97)];
    expect(half.chsh.value).toBeLessThan(none.chsh.value - 0.3);
    expect(half.share).toBeGreaterThan(2 * none.share);
  });
});
