/**
 * BB84 with weak laser pulses and decoy states, whose bounds on single photons are taken as tight (infinitely many decoys).
 * Source: Ma, Qi, Zhao and Lo 2005, "Practical decoy state for quantum key distribution" (https://arxiv.org/abs/quant-ph/0503005), equations 1 to 12;
 * the key rate is that of Gottesman, Lo, Lütkenhaus and Preskill 2004.
 */
import { binaryEntropy } from "./entropy.ts";
import { transmittance } from "./fibre.ts";

export interface DecoyLink {
  lengthKm: number;
  /** Loss of the fibre, dB/km. */
  dbPerKm: number;
  /** Share of photons at the receiver's door that its detectors answer to. */
  receiverEfficiency: number;
  /** Probability that a pulse without a photon makes the detectors click: dark counts and stray light. */
  darkCount: number;
  /** Probability that a photon makes the wrong detector click. */
  misalignment: number;
  /** Mean number of photons of a signal pulse. */
  meanPhotons: number;
  /** Share of clicks that sifting leaves: 1/2 where both bases are as likely. */
  siftedShare: number;
  /** What error correction tells beyond Shannon's bound; 1: nothing. */
  inefficiency: number;
}

export interface DecoyRates {
  /** Probability that a signal pulse makes the detectors click. */
  gain: number;
  /** Share of wrong bits among those. */
  qber: number;
  /** Probability that a pulse has one photon and makes the detectors click. */
  singlePhotonGain: number;
  /** Share of wrong bits among those. */
  singlePhotonError: number;
  /** Secret bits a pulse; 0 where there is no key. */
  keyBitsPerPulse: number;
}

/** A click without a photon is as often wrong as right. */
const OF_DARK_COUNTS = 0.5;
const LONGEST_KM = 1_000;

/** Gobby, Yuan and Shields 2004, as evaluated by Ma et al. 2005. */
export const GYS: Omit<DecoyLink, "lengthKm"> = {
  dbPerKm: 0.21,
  receiverEfficiency: 0.045,
  darkCount: 1.7e-6,
  misalignment: 0.033,
  meanPhotons: 0.48,
  siftedShare: 0.5,
  inefficiency: 1.22,
};

export function decoyRates(link: DecoyLink): DecoyRates {
  const { darkCount, misalignment, meanPhotons, siftedShare, inefficiency } = link;
  const eta = transmittance(link.lengthKm, link.dbPerKm) * link.receiverEfficiency;
  const clicked = -Math.expm1(-eta * meanPhotons);
  const gain = darkCount + clicked;
  const qber = (OF_DARK_COUNTS * darkCount + misalignment * clicked) / gain;
  const yieldOfOne = darkCount + eta;
  const singlePhotonGain = yieldOfOne * meanPhotons * Math.exp(-meanPhotons);
  const singlePhotonError = (OF_DARK_COUNTS * darkCount + misalignment * eta) / yieldOfOne;
  const secret =
    singlePhotonGain * (1 - binaryEntropy(singlePhotonError)) -
    gain * inefficiency * binaryEntropy(qber);
  const keyBitsPerPulse = Math.max(0, siftedShare * secret);
  return { gain, qber, singlePhotonGain, singlePhotonError, keyBitsPerPulse };
}

/** The length from which on there is no key, km, to within a metre. */
export function cutOffKm(link: Omit<DecoyLink, "lengthKm">): number {
  let [some, none] = [0, LONGEST_KM];
  while (none - some > 0.001) {
    const lengthKm = (some + none) / 2;
    if (decoyRates({ ...link, lengthKm }).keyBitsPerPulse > 0) some = lengthKm;
    else none = lengthKm;
  }
  return none;
}
