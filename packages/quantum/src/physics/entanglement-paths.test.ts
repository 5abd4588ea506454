import { seededRandom } from "@glassline/service/random";
import { describe, expect, test } from "vitest";

import type { EntangledLink, Repeaters } from "./entanglement-paths.ts";
import { bestEntanglementPath } from "./entanglement-paths.ts";
import { informationAt, secretShare } from "./entropy.ts";
import { bbpssw, fidelityOf, overChain, qberOf, wernerWeight } from "./pairs.ts";

const IDEAL: Repeaters = { swapSuccess: 1, coherenceS: Infinity, purifications: 0 };
const link = (one: string, other: string, pairsPerS: number, fidelity: number): EntangledLink => ({
  between: [one, other],
  pairsPerS,
  fidelity,
});
const keyOf = (pairsPerS: number, fidelity: number) => pairsPerS * secretShare(qberOf(fidelity));

/** Every way without a circle, with every number of rounds: in its own words. */
function* allWays(
  links: readonly EntangledLink[],
  to: string,
  nodes: readonly string[],
  { swapSuccess, coherenceS, purifications }: Repeaters,
  rate = Infinity,
  weight = 1,
): Generator<number> {
  const at = nodes.at(-1)!;
  if (at === to) return yield keyOf(rate, fidelityOf(weight));
  for (const { between, pairsPerS, fidelity } of links) {
    const next = between[0] === at ? between[1] : between[0];
    if (!between.includes(at) || nodes.includes(next)) continue;
    let [pairs, good] = [pairsPerS, fidelity];
    for (let rounds = 0; rounds <= purifications; rounds++) {
      if (rounds > 0) {
        const purified = bbpssw(good);
        [pairs, good] = [(pairs / 2) * purified.probability, purified.fidelity];
      }
      const rarer = Math.min(rate, pairs);
      const [success, waited] = nodes.length > 1 ? [swapSuccess, 1 / rarer] : [1, 0];
      const joined = weight * wernerWeight(good) * Math.exp(-waited / coherenceS);
      const rest = { swapSuccess, coherenceS, purifications };
      yield* allWays(links, to, [...nodes, next], rest, rarer * success, joined);
    }
  }
}

describe("the best way of entangled pairs", () => {
  test("over a chain is what the closed forms say", () => {
    const chain = [link("a", "b", 100, 0.97), link("b", "c", 80, 0.97), link("c", "d", 90, 0.97)];
    const path = bestEntanglementPath(chain, "a", "d", { ...IDEAL, swapSuccess: 0.5 })!;
    expect(path.nodes).toEqual(["a", "b", "c", "d"]);
    expect(path.fidelity).toBeCloseTo(overChain(0.97, 3), 12);
    expect(path.pairsPerS).toBeCloseTo(80 * 0.5 * 0.5, 12);
    expect(path.keyBitsPerS).toBeCloseTo(keyOf(20, overChain(0.97, 3)), 12);
  });

  test("may lead where the beginning looks worse", () => {
    // To the node in between there are many poor pairs, or few good ones; only these survive the next link.
    const links = [link("a", "m", 1_000, 0.87), link("a", "n", 50, 0.99), link("n", "m", 50, 0.99)];
    const toMiddle = bestEntanglementPath(links, "a", "m", IDEAL)!;
    expect(toMiddle.nodes).toEqual(["a", "m"]);
    const onward = bestEntanglementPath([...links, link("m", "z", 200, 0.93)], "a", "z", IDEAL)!;
    expect(onward.nodes).toEqual(["a", "n", "m", "z"]);
  });

  test("is purified where that pays", () => {
    const links = [link("a", "z", 100, 0.8)];
    expect(bestEntanglementPath(links, "a", "z", IDEAL)).toBeUndefined();
    const path = bestEntanglementPath(links, "a", "z", { ...IDEAL, purifications: 3 })!;
    expect(path.purifications).toEqual([2]);
    expect(path.keyBitsPerS).toBeGreaterThan(0);
  });

  test.each([1, 2, 3, 4, 5, 6])("is the best of all ways of a network (seed %i)", (seed) => {
    const random = seededRandom(seed);
    const names = ["a", "b", "c", "d", "e", "z"];
    const links: EntangledLink[] = [];
    for (const [at, one] of names.entries())
      for (const other of names.slice(at + 1))
        if (random() < 0.7)
          links.push(link(one, other, 10 ** (3 * random()), 0.92 + 0.08 * random()));
    const repeaters = { swapSuccess: 0.5 + random() / 2, coherenceS: 0.5, purifications: 1 };
    const best = Math.max(0, ...allWays(links, "z", ["a"], repeaters));
    const found = bestEntanglementPath(links, "a", "z", repeaters)?.keyBitsPerS ?? 0;
    expect(found).toBeCloseTo(best, 9);
    expect(best).toBeGreaterThan(0);
  });
});

test("what an eavesdropper may know: nothing at the greatest violation, all without one", () => {
  expect(informationAt(2 * Math.SQRT2)).toBeCloseTo(0, 6);
  expect([informationAt(2), informationAt(1.4), informationAt(Number.NaN)]).toEqual([1, 1, 1]);
  // h((1 + sqrt(0.69)) / 2), as an independent evaluation gives it.
  expect(informationAt(2.6)).toBeCloseTo(0.418420069099, 10);
});
