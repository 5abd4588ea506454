/** How uncertain a bit is, and what is left of a sifted key for which an eavesdropper may answer. */

/**
 * Entropy of a bit that is 1 with probability `p`, in bits. Throws RangeError unless 0 <= p <= 1.
 * Source: Shannon 1948, section 6.
 */
export function binaryEntropy(p: number): number {
  if (!(p >= 0 && p <= 1))
    throw new RangeError(`probability: got ${p}, expected a number from 0 to 1`);
  if (p === 0 || p === 1) return 0;
  // Near 0 the plain form loses what 1 - p rounds away.
  return -(p * Math.log2(p)) - ((1 - p) * Math.log1p(-p)) / Math.LN2;
}

/**
 * Secret bits of a sifted bit, asymptotically: 1 - h(Q) - f h(Q), which may be negative: then there is no key.
 * @param qber share of wrong sifted bits.
 * @param inefficiency what error correction tells beyond Shannon's bound; 1: nothing.
 * Source: Shor and Preskill 2000 (https://arxiv.org/abs/quant-ph/0003004).
 */
export function secretShare(qber: number, inefficiency = 1): number {
  return 1 - (1 + inefficiency) * binaryEntropy(qber);
}

/** What quantum mechanics allows at most of the inequality of Clauser, Horne, Shimony and Holt (Tsirelson 1980). */
const CHSH_MAX = 2 * Math.SQRT2;

/**
 * What an eavesdropper may know of a bit of a key, at most, in bits, whatever the devices do: from S of the inequality. 1 where it is not violated.
 * Source: Acin et al. 2007 (https://doi.org/10.1103/PhysRevLett.98.230501), equation 11.
 */
export function informationAt(chsh: number): number {
  if (!(chsh > 2)) return 1;
  const violation = (Math.min(chsh, CHSH_MAX) / 2) ** 2 - 1;
  return binaryEntropy((1 + Math.sqrt(Math.min(1, violation))) / 2);
}

/** Share of wrong sifted bits when each photon is measured in a basis drawn by lot, and sent on. */
export const INTERCEPT_RESEND_QBER = 0.25;
