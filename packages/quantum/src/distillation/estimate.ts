/**
 * What a receiver's clicks say of single photons, which alone are safe. Source: Ma, Qi, Zhao and Lo 2005
 * (https://arxiv.org/abs/quant-ph/0503005), equations 34 to 37: bounds by a vacuum and a weak decoy.
 */
import { binaryEntropy } from "../physics/entropy.ts";
import type { MeanPhotons } from "../photons/pulses.ts";

/** Counted in public, of one strength. */
export interface Seen {
  sent: number;
  clicked: number;
  /** Clicked and measured in the sender's basis. */
  sifted: number;
  /** Of those, wrong. */
  wrong: number;
}

export interface SinglePhotons {
  /** Of all clicks of signal pulses, at least so many are of single photons: a share. */
  share: number;
  /** Of those, at most so many are wrong: a share, 1/2 at most. */
  error: number;
}

/** @param deviations by how many standard deviations chance may have favoured us; 0: as if there were infinitely many pulses. */
export function singlePhotons(
  signal: Seen,
  decoy: Seen,
  vacuum: Seen,
  means: MeanPhotons,
  deviations: number,
): SinglePhotons {
  const [mu, nu] = [means.signal, means.decoy];
  const off = (count: number) => deviations * Math.sqrt(Math.max(1, count));
  const gainOf = ({ sent, clicked }: Seen, by: number) =>
    Math.max(0, clicked + by * off(clicked)) / Math.max(1, sent);
  const weakly = gainOf(decoy, -1) * Math.exp(nu);
  const strongly = gainOf(signal, 1) * Math.exp(mu);
  const darkest = gainOf(vacuum, 1);
  const least =
    (mu / (mu * nu - nu ** 2)) *
    (weakly - strongly * (nu / mu) ** 2 - ((mu ** 2 - nu ** 2) / mu ** 2) * darkest);
  if (least <= 0) return { share: 0, error: 0.5 };
  const wrongly =
    (Math.max(0, decoy.wrong + off(decoy.wrong)) / Math.max(1, decoy.sifted)) *
    gainOf(decoy, 1) *
    Math.exp(nu);
  const error = Math.min(0.5, (wrongly - gainOf(vacuum, -1) / 2) / (least * nu));
  const share = Math.min(1, (least * mu * Math.exp(-mu)) / gainOf(signal, 1));
  return { share, error: Math.max(0, error) };
}

/**
 * Secret bits in `sifted` bits of signal pulses.
 * @param disclosed bits that everybody knows of them.
 */
export function secretBits(
  sifted: number,
  { share, error }: SinglePhotons,
  disclosed: number,
): number {
  return Math.max(0, Math.floor(sifted * share * (1 - binaryEntropy(error)) - disclosed));
}
