/**
 * Pulses of a sender of decoy BB84: a bit, a basis and a strength each, all drawn by lot.
 * Source: Lo, Ma and Chen 2005 (https://arxiv.org/abs/quant-ph/0411004), with a weak decoy and a vacuum.
 */

/** In the order of their numbers. */
export const STRENGTHS = ["signal", "decoy", "vacuum"] as const;
export type Strength = (typeof STRENGTHS)[number];

/** Of 64 pulses so many, on average. */
const OF_64 = { signal: 48, decoy: 12, vacuum: 4 } as const;

/** Mean number of photons of a pulse of each strength. */
export type MeanPhotons = Readonly<Record<Strength, number>>;

/** What a sender knows of a frame of pulses. */
export class Pulses {
  /** Of each, bit 0 the bit, bit 1 the basis, above them the strength. */
  readonly #choices: Uint8Array;

  /** @param random a byte a pulse, which nobody may foresee. */
  constructor(random: Uint8Array) {
    this.#choices = random.map((byte) => (byte & 3) | (strengthOf(byte >>> 2) << 2));
  }

  get count(): number {
    return this.#choices.length;
  }

  /** Bit and basis, as a detector sees them: bit 0 and bit 1. */
  stateOf(pulse: number): number {
    return this.#choices[pulse]! & 3;
  }

  bitOf(pulse: number): number {
    return this.#choices[pulse]! & 1;
  }

  basisOf(pulse: number): number {
    return (this.#choices[pulse]! >>> 1) & 1;
  }

  /** Its number in STRENGTHS. */
  strengthOf(pulse: number): number {
    return this.#choices[pulse]! >>> 2;
  }

  /** How many there are of each strength. */
  counts(): Record<Strength, number> {
    const counts = { signal: 0, decoy: 0, vacuum: 0 };
    for (const choice of this.#choices) counts[STRENGTHS[choice >>> 2]!]++;
    return counts;
  }
}

/** @param lot 0 to 63. */
function strengthOf(lot: number): number {
  if (lot < OF_64.signal) return 0;
  return lot < OF_64.signal + OF_64.decoy ? 1 : 2;
}
