/**
 * E91: each end measures its half of an entangled pair along one of three directions drawn by lot. Where both took the same one their bits are key;
 * the others show by the inequality of Clauser, Horne, Shimony and Holt whether the pairs were entangled, or somebody has looked.
 * Source: Ekert 1991 (https://doi.org/10.1103/PhysRevLett.67.661), with polarisations. The pairs are simulated.
 */
import type { Random } from "@glassline/service/random";

import { wernerWeight } from "../physics/pairs.ts";
import type { Arrived, Clicks } from "./fibre.ts";

/** Between two neighbouring angles, radians; angles are counted in these. */
const STEP = Math.PI / 8;
/** Of each end, its three directions. */
const ANGLES = { alice: [0, 1, 2], bob: [1, 2, 3] } as const;
const CHOICES = 3;
/** What neither of two parts can exceed that share nothing but what was agreed on before. */
export const CHSH_LOCAL = 2;

/** Directions of Alice's half, 0 to 2, and what she sees there, by pair. */
export interface Halves {
  directions: Uint8Array;
  bits: Uint8Array;
}

/** @param randomBytes that nobody may foresee: two a pair. */
export function measureHalves(randomBytes: Uint8Array): Halves {
  const pairs = randomBytes.length >>> 1;
  const directions = randomBytes.slice(0, pairs).map((byte) => Math.floor((CHOICES * byte) / 256));
  return { directions, bits: randomBytes.slice(pairs).map((byte) => byte & 1) };
}

/**
 * The other halves of those pairs of which both are seen, as Alice's measurement has left them. A state has its bit in bit 0, its angle above it.
 * @param pairs `share`: of which both halves are seen; `fidelity` of those, Werner pairs.
 */
export function otherHalves(
  { directions, bits }: Halves,
  { share, fidelity }: { share: number; fidelity: number },
  random: Random,
): Arrived {
  const weight = wernerWeight(fidelity);
  const seen: number[] = [];
  for (let pair = 0; pair < bits.length; pair++) if (random() < share) seen.push(pair);
  const states = Uint8Array.from(seen, (pair) => {
    // Of a Werner pair the rest is noise: any bit.
    const bit = random() < weight ? bits[pair]! : oneOf(2, random);
    return stateOf(bit, ANGLES.alice[directions[pair]!]!);
  });
  return { pulses: Uint32Array.from(seen), states };
}

/** Somebody measures a share of them, along one of Bob's directions, and sends on what he has seen. */
export function interceptedHalves(
  { pulses, states }: Arrived,
  share: number,
  random: Random,
): Arrived {
  const resent = states.map((state) => {
    if (random() >= share) return state;
    const angle = ANGLES.bob[oneOf(CHOICES, random)]!;
    return stateOf(seenAlong(angle, state, random), angle);
  });
  return { pulses, states: resent };
}

/** What Bob sees: bases are his directions, 0 to 2. */
export function measuredHalves({ pulses, states }: Arrived, random: Random): Clicks {
  const bases = states.map(() => oneOf(CHOICES, random));
  const bits = states.map((state, at) => seenAlong(ANGLES.bob[bases[at]!]!, state, random));
  return { pulses, bases, bits };
}

export const isAlike = (alice: number, bob: number): boolean =>
  ANGLES.alice[alice] === ANGLES.bob[bob];

const stateOf = (bit: number, angle: number): number => bit | (angle << 1);

const oneOf = (count: number, random: Random): number => Math.floor(random() * count);

/** Malus: the same bit with the squared cosine of the angle between. */
function seenAlong(angle: number, state: number, random: Random): number {
  const bit = state & 1;
  const same = Math.cos((angle - (state >>> 1)) * STEP) ** 2;
  return random() < same ? bit : 1 - bit;
}

/** Directions of both ends, and the sign with which their correlation counts. */
const TERMS = [
  [0, 0, 1],
  [0, 2, -1],
  [2, 0, 1],
  [2, 2, 1],
] as const;

/** What is counted in public of pairs that were measured along different directions. */
export class Chsh {
  readonly #products = new Int32Array(CHOICES ** 2);
  readonly #counts = new Uint32Array(CHOICES ** 2);

  add(alice: number, bob: number, isSame: boolean): void {
    const at = CHOICES * alice + bob;
    this.#products[at]! += isSame ? 1 : -1;
    this.#counts[at]!++;
  }

  /** S of the inequality; NaN before each pair of directions was met. */
  get value(): number {
    return this.#terms().reduce((sum, { value }) => sum + value, 0);
  }

  /** Standard deviation of `value`. */
  get deviation(): number {
    return Math.sqrt(this.#terms().reduce((sum, { variance }) => sum + variance, 0));
  }

  #terms(): { value: number; variance: number }[] {
    return TERMS.map(([alice, bob, sign]) => {
      const at = CHOICES * alice + bob;
      const mean = this.#products[at]! / this.#counts[at]!;
      return { value: sign * mean, variance: (1 - mean ** 2) / this.#counts[at]! };
    });
  }
}
