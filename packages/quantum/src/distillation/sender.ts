/** The end of a quantum link that sends pulses, and whose bits count. Pure but for its own memory: randomness comes in. */
import type { MeanPhotons, Pulses, Strength } from "../photons/pulses.ts";
import { STRENGTHS, Pulses as PulsesOf } from "../photons/pulses.ts";
import { hashed, isSame } from "./authentication.ts";
import { packed } from "./bits.ts";
import type { ParityAnswers, ParityQuestions } from "./cascade.ts";
import { Parities } from "./cascade.ts";
import type { Clicked, Correcting, Revealed, Sifted, Verdict, Verify } from "./discussion.ts";
import type { Seen } from "./estimate.ts";
import { secretBits, singlePhotons } from "./estimate.ts";
import { amplified, seedBits } from "./toeplitz.ts";

export interface SenderDeps {
  means: MeanPhotons;
  /** See singlePhotons. */
  deviations: number;
  /** Bytes that nobody may foresee. */
  randomBytes: (count: number) => Uint8Array;
}

/** Bits of a hash, and 2 log2(1/epsilon) for epsilon = 10^-10: what privacy amplification itself costs (Renner 2005, section 5.5). */
const HASH_BITS = 127;
const SAFETY_BITS = 67;
const FIRST_QBER = 0.05;
const FRAMES_MAX = 16;
/** A receiver that never has enough is not waited for. */
const BLOCK_MAX_BITS = 8_388_608;

interface Frame {
  pulses: Pulses;
  /** Of what is kept and no signal: its number in `pulses`. */
  revealing: Uint32Array;
}

export class Sender {
  readonly #deps: SenderDeps;
  readonly #frames = new Map<number, Frame>();
  #next = 0;
  #bits: number[] = [];
  #seen = nothingSeen();
  #qber = FIRST_QBER;
  #parities: Parities | undefined;
  #disclosed = 0;

  constructor(deps: SenderDeps) {
    this.#deps = deps;
  }

  /** A new frame. Of those that nobody clicked upon, old ones are forgotten. */
  send(count: number): { frame: number; pulses: Pulses } {
    const frame = this.#next++;
    const pulses = new PulsesOf(this.#deps.randomBytes(count));
    this.#frames.set(frame, { pulses, revealing: new Uint32Array() });
    for (const old of this.#frames.keys()) {
      if (this.#frames.size <= FRAMES_MAX) break;
      this.#frames.delete(old);
    }
    return { frame, pulses };
  }

  /** Throws RangeError for clicks of no frame, or of pulses that it does not have. */
  sift({ frame, pulses: clicked, bases }: Clicked): Sifted {
    const { pulses } = this.#frameOf(frame);
    if (clicked.some((pulse) => pulse >= pulses.count) || bases.length !== clicked.length)
      throw new RangeError(`clicks: got other pulses than frame ${frame} has`);
    if (this.#bits.length > BLOCK_MAX_BITS)
      throw new RangeError(`block: got more than ${BLOCK_MAX_BITS} bits, expected an end`);
    for (const [strength, count] of Object.entries(pulses.counts()))
      this.#seen[strength as Strength].sent += count;
    const strengths: number[] = [];
    const revealing: number[] = [];
    const kept = bases.map((basis, at) => {
      const pulse = clicked[at]!;
      const strength = pulses.strengthOf(pulse);
      this.#seenOf(strength).clicked++;
      if (pulses.basisOf(pulse) !== basis) return 0;
      strengths.push(strength);
      if (strength === 0) this.#bits.push(pulses.bitOf(pulse));
      else revealing.push(pulse);
      return 1;
    });
    this.#frames.set(frame, { pulses, revealing: Uint32Array.from(revealing) });
    return { frame, kept, strengths: Uint8Array.from(strengths) };
  }

  /** @returns how to correct the block that is full; undefined: it is not yet. Throws RangeError. */
  reveal({ frame, bits, isFull }: Revealed): Correcting | undefined {
    const { pulses, revealing } = this.#frameOf(frame);
    if (bits.length !== revealing.length)
      throw new RangeError(`bits: got ${bits.length}, expected ${revealing.length}`);
    for (const [at, pulse] of revealing.entries()) {
      const seen = this.#seenOf(pulses.strengthOf(pulse));
      seen.sifted++;
      if (pulses.bitOf(pulse) !== bits[at]) seen.wrong++;
    }
    this.#frames.delete(frame);
    if (!isFull) return undefined;
    const [seed] = new Uint32Array(this.#deps.randomBytes(4).slice().buffer);
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

  /** The end of a block. @returns what is said of it, and its key: eight bits a byte; undefined: it has none. */
  verify({ hash, key, errors }: Verify): { verdict: Verdict; secret: Uint8Array | undefined } {
    const bits = Uint8Array.from(this.#bits);
    const { signal, decoy, vacuum } = this.#seen;
    this.#bits = [];
    this.#seen = nothingSeen();
    this.#parities = undefined;
    const nothing = { outputBits: 0, seed: new Uint8Array(), qber: undefined };
    if (!isSame(hashed(packed(bits), key), hash)) {
      this.#qber = Math.min(0.25, this.#qber * 2);
      return { verdict: nothing, secret: undefined };
    }
    const qber = errors / Math.max(1, bits.length);
    this.#qber = qber;
    const { means, deviations, randomBytes } = this.#deps;
    const single = singlePhotons(signal, decoy, vacuum, means, deviations);
    const disclosed = this.#disclosed + HASH_BITS + SAFETY_BITS;
    const outputBits = secretBits(bits.length, single, disclosed);
    if (outputBits === 0) return { verdict: { ...nothing, qber }, secret: undefined };
    const seed = randomBytes(Math.ceil(seedBits(bits.length, outputBits) / 8));
    const secret = amplified(bits, outputBits, seed);
    return { verdict: { outputBits, seed, qber }, secret };
  }

  #frameOf(frame: number): Frame {
    const known = this.#frames.get(frame);
    if (!known) throw new RangeError(`frame: got ${frame}, expected one that is under way`);
    return known;
  }

  #seenOf(strength: number): Seen {
    return this.#seen[STRENGTHS[strength]!];
  }
}

function nothingSeen(): Record<Strength, Seen> {
  const none = () => ({ sent: 0, clicked: 0, sifted: 0, wrong: 0 });
  return { signal: none(), decoy: none(), vacuum: none() };
}
