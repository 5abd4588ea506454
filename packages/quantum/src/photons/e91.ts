/**
 * E91: each end measures its half of an entangled pair along one of three directions drawn by lot. Where both took the same one their bits are key;
 * the others show by the inequality of Clauser, Horne, Shimony and Holt whether the pairs were entangled, or somebody has looked.
 * Source: Ekert 1991 (https://doi.org/10.1103/PhysRevLett.67.661), with polarisations. The pairs are simulated.
 */
import type { Random } from "@glassline/service/random";

import { wernerWeight } from "../physics/pairs.ts";

/** Directions of the two ends, radians. */
export const DIRECTIONS = {
  alice: [0, Math.PI / 8, Math.PI / 4],
  bob: [Math.PI / 8, Math.PI / 4, (3 * Math.PI) / 8],
} as const;
/** What neither of two parts can exceed that share nothing but what was agreed on before. */
export const CHSH_LOCAL = 2;

export interface PairSource {
  /** Pairs of which both halves are seen. */
  pairs: number;
  /** Of the Werner pairs. */
  fidelity: number;
  /** Share of the pairs of which somebody measures Bob's half, along one of Bob's directions, and sends on what he has seen. */
  eavesdropped: number;
}

/** By pair: which direction each end took, and what it saw. */
export interface Measured {
  aliceDirections: Uint8Array;
  bobDirections: Uint8Array;
  aliceBits: Uint8Array;
  bobBits: Uint8Array;
}

export interface Sifted {
  alice: Uint8Array;
  bob: Uint8Array;
  /** S of the inequality, and its standard deviation. */
  chsh: number;
  chshDeviation: number;
}

export function measurePairs(
  { pairs, fidelity, eavesdropped }: PairSource,
  random: Random,
): Measured {
  const weight = wernerWeight(fidelity);
  const measured: Measured = {
    aliceDirections: new Uint8Array(pairs),
    bobDirections: new Uint8Array(pairs),
    aliceBits: new Uint8Array(pairs),
    bobBits: new Uint8Array(pairs),
  };
  for (let pair = 0; pair < pairs; pair++) {
    const [a, b, bit] = [oneOf(3, random), oneOf(3, random), oneOf(2, random)];
    measured.aliceDirections[pair] = a;
    measured.bobDirections[pair] = b;
    measured.aliceBits[pair] = bit;
    measured.bobBits[pair] =
      random() < eavesdropped
        ? seenThrough(bit, a, b, weight, random)
        : seen(bit, weight, DIRECTIONS.alice[a]! - DIRECTIONS.bob[b]!, random);
  }
  return measured;
}

/** Bits of pairs that were measured alike, and S of the others. */
export function siftPairs(measured: Measured): Sifted {
  const { aliceDirections, bobDirections, aliceBits, bobBits } = measured;
  const key: number[] = [];
  const sums = Array.from({ length: 9 }, () => ({ product: 0, count: 0 }));
  for (let pair = 0; pair < aliceBits.length; pair++) {
    const [a, b] = [aliceDirections[pair]!, bobDirections[pair]!];
    if (isAlike(a, b)) key.push(pair);
    const sum = sums[3 * a + b]!;
    sum.product += aliceBits[pair] === bobBits[pair] ? 1 : -1;
    sum.count++;
  }
  const correlations = CHSH.map(([a, b, sign]) => {
    const { product, count } = sums[3 * a + b]!;
    const mean = product / count;
    return { value: sign * mean, variance: (1 - mean ** 2) / count };
  });
  return {
    alice: Uint8Array.from(key, (pair) => aliceBits[pair]!),
    bob: Uint8Array.from(key, (pair) => bobBits[pair]!),
    chsh: correlations.reduce((sum, { value }) => sum + value, 0),
    chshDeviation: Math.sqrt(correlations.reduce((sum, { variance }) => sum + variance, 0)),
  };
}

/** Directions of both ends, and the sign with which their correlation counts. */
const CHSH = [
  [0, 0, 1],
  [0, 2, -1],
  [2, 0, 1],
  [2, 2, 1],
] as const;

const isAlike = (a: number, b: number): boolean => DIRECTIONS.alice[a] === DIRECTIONS.bob[b];

const oneOf = (count: number, random: Random): number => Math.floor(random() * count);

/** The bit behind an analyser that is turned by `angle` against where the photon's bit is `bit`. */
const seen = (bit: number, weight: number, angle: number, random: Random): number =>
  random() < (1 + weight * Math.cos(2 * angle)) / 2 ? bit : 1 - bit;

/** Bob's bit when somebody has measured his photon: what comes to him is a photon of one direction. */
function seenThrough(bit: number, a: number, b: number, weight: number, random: Random): number {
  const direction = DIRECTIONS.bob[oneOf(3, random)]!;
  const resent = seen(bit, weight, DIRECTIONS.alice[a]! - direction, random);
  return seen(resent, 1, direction - DIRECTIONS.bob[b]!, random);
}
