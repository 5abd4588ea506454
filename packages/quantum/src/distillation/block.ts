/** Sifted bits of the end whose bits count, from the first of them to their key. Pure but for its own memory: randomness comes in. */
import { hashed, isSame } from "./authentication.ts";
import { packed } from "./bits.ts";
import type { ParityAnswers, ParityQuestions } from "./cascade.ts";
import { Parities } from "./cascade.ts";
import type { Correcting, Verdict, Verify } from "./discussion.ts";
import { amplified, seedBits } from "./toeplitz.ts";

/** Bytes that nobody may foresee. */
export type RandomBytes = (count: number) => Uint8Array;

/** The end of a block: what is said of it, and its key, eight bits a byte; undefined: it has none. */
export interface Decided {
  verdict: Verdict;
  secret: Uint8Array | undefined;
}

/** Bits of a hash, and 2 log2(1/epsilon) for epsilon = 10^-10: what privacy amplification itself costs (Renner 2005, section 5.5). */
const HASH_BITS = 127;
const SAFETY_BITS = 67;
const FIRST_QBER = 0.05;
/** A receiver that never has enough is not waited for. */
const BLOCK_MAX_BITS = 8_388_608;

export class Block {
  readonly #randomBytes: RandomBytes;
  #bits: number[] = [];
  /** As the last block had it. */
  #qber = FIRST_QBER;
  #parities: Parities | undefined;
  #disclosed = 0;

  constructor(randomBytes: RandomBytes) {
    this.#randomBytes = randomBytes;
  }

  /** Throws RangeError: there are too many. */
  push(bit: number): void {
    if (this.#bits.length >= BLOCK_MAX_BITS)
      throw new RangeError(`block: got more than ${BLOCK_MAX_BITS} bits, expected an end`);
    this.#bits.push(bit);
  }

  /** It is full. */
  correct(): Correcting {
    const [seed] = new Uint32Array(this.#randomBytes(4).slice().buffer);
    this.#parities = new Parities(Uint8Array.from(this.#bits), seed!);
    this.#disclosed = 0;
    return { qber: this.#qber, seed: seed! };
  }

  /** Throws RangeError for what is no question, or comes without a block. */
  answer(questions: ParityQuestions): ParityAnswers {
    if (!this.#parities) throw new RangeError("parities: got a question, expected a block first");
    const answers = this.#parities.answer(questions);
    this.#disclosed += answers.length;
    return answers;
  }

  /** @param secretBits how many of so many are safe, when so many of them are known to everybody. */
  end(
    { hash, key, errors }: Verify,
    secretBits: (sifted: number, disclosed: number) => number,
  ): Decided {
    const bits = Uint8Array.from(this.#bits);
    this.#bits = [];
    this.#parities = undefined;
    const nothing = { outputBits: 0, seed: new Uint8Array(), qber: undefined };
    if (!isSame(hashed(packed(bits), key), hash)) {
      this.#qber = Math.min(0.25, this.#qber * 2);
      return { verdict: nothing, secret: undefined };
    }
    const qber = errors / Math.max(1, bits.length);
    this.#qber = qber;
    const outputBits = secretBits(bits.length, this.#disclosed + HASH_BITS + SAFETY_BITS);
    if (outputBits === 0) return { verdict: { ...nothing, qber }, secret: undefined };
    const seed = this.#randomBytes(Math.ceil(seedBits(bits.length, outputBits) / 8));
    return { verdict: { outputBits, seed, qber }, secret: amplified(bits, outputBits, seed) };
  }
}
