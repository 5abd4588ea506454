/**
 * Entangled pairs: how they are joined, kept and distilled. Closed forms.
 * A pair is a mixture of the four Bell states; a Werner pair has one of them with probability F and the others alike (Werner 1989).
 */
import { secretShare } from "./entropy.ts";

/** What a memory in which nothing is left has: each Bell state is as likely. */
const OF_NOTHING = 1 / 4;

/** Weight of the pure state: w = (4F - 1)/3; below 0 for F < 1/4. */
export const wernerWeight = (fidelity: number): number => (4 * fidelity - 1) / 3;

export const fidelityOf = (weight: number): number => (3 * weight + 1) / 4;

/** Fidelity of two Werner pairs joined by a perfect measurement in between. Source: Briegel et al. 1998, equation 3. */
export function swapped(one: number, other: number): number {
  return fidelityOf(wernerWeight(one) * wernerWeight(other));
}

/** Fidelity over a chain of links that are all alike, joined at each node in between. */
export function overChain(fidelity: number, links: number): number {
  return fidelityOf(wernerWeight(fidelity) ** links);
}

/** Fidelity after `waitedS` in a memory that loses its weight as e^(-t/T). */
export function afterMemory(fidelity: number, waitedS: number, coherenceS: number): number {
  return fidelityOf(wernerWeight(fidelity) * Math.exp(-waitedS / coherenceS));
}

/** Share of wrong bits where both ends of a Werner pair are measured in the same basis. */
export const qberOf = (fidelity: number): number => (2 * (1 - fidelity)) / 3;

/** Of Werner pairs with such a share of wrong bits. */
export const fidelityAt = (qber: number): number => 1 - (3 * qber) / 2;

/** S of the inequality of Clauser, Horne, Shimony and Holt: above 2 the pair is entangled beyond what is local. E91 looks at it. */
export const chshOf = (fidelity: number): number => 2 * Math.SQRT2 * wernerWeight(fidelity);

/** Least fidelity of a Werner pair that still gives key, without purification. */
export const KEY_FIDELITY = leastFidelity();

function leastFidelity(): number {
  let [none, some] = [OF_NOTHING, 1];
  while (some - none > 1e-15) {
    const fidelity = (none + some) / 2;
    if (fidelity === none || fidelity === some) break;
    if (secretShare(qberOf(fidelity)) > 0) some = fidelity;
    else none = fidelity;
  }
  return some;
}

/** Links of a chain that still gives key, at most; 0: not even one link does. */
export function longestChain(fidelity: number): number {
  const [weight, least] = [wernerWeight(fidelity), wernerWeight(KEY_FIDELITY)];
  if (weight <= least) return 0;
  return weight >= 1 ? Number.POSITIVE_INFINITY : Math.floor(Math.log(least) / Math.log(weight));
}

export interface Purified {
  fidelity: number;
  /** That the pair is kept; its companion is lost either way. */
  probability: number;
}

/** One pair of two Werner pairs. Source: Bennett et al. 1996 (https://arxiv.org/abs/quant-ph/9511027), equation 7. */
export function bbpssw(fidelity: number): Purified {
  const other = (1 - fidelity) / 3;
  const probability = fidelity ** 2 + 2 * fidelity * other + 5 * other ** 2;
  return { fidelity: (fidelity ** 2 + other ** 2) / probability, probability };
}

/** Probabilities of the Bell states, the one wanted first: Phi+, Psi-, Psi+, Phi-. */
export type BellDiagonal = readonly [a: number, b: number, c: number, d: number];

export const wernerPair = (fidelity: number): BellDiagonal => {
  const other = (1 - fidelity) / 3;
  return [fidelity, other, other, other];
};

/** One pair of two that are alike. Source: Deutsch et al. 1996 (https://arxiv.org/abs/quant-ph/9604039), equation 4. */
export function dejmps([a, b, c, d]: BellDiagonal): { pair: BellDiagonal; probability: number } {
  const probability = (a + b) ** 2 + (c + d) ** 2;
  return {
    pair: [
      (a * a + b * b) / probability,
      (2 * c * d) / probability,
      (c * c + d * d) / probability,
      (2 * a * b) / probability,
    ],
    probability,
  };
}
