/** The end of a quantum link that sends pulses, and whose bits count. Pure but for its own memory: randomness comes in. */
import type { MeanPhotons, Strength } from "../photons/pulses.ts";
import { Pulses, STRENGTHS } from "../photons/pulses.ts";
import type { Decided, RandomBytes } from "./block.ts";
import { Block } from "./block.ts";
import type { ParityAnswers, ParityQuestions } from "./cascade.ts";
import type { Clicked, Correcting, Revealed, Sifted, Verify } from "./discussion.ts";
import type { Seen } from "./estimate.ts";
import { secretBits, singlePhotons } from "./estimate.ts";
import { Frames } from "./frames.ts";

export interface SenderDeps {
  means: MeanPhotons;
  /** See singlePhotons. */
  deviations: number;
  randomBytes: RandomBytes;
}

interface Frame {
  pulses: Pulses;
  /** Of what is kept and no signal: its number in `pulses`. */
  revealing: Uint32Array;
}

export class Sender {
  readonly #deps: SenderDeps;
  readonly #frames = new Frames<Frame>();
  readonly #block: Block;
  #seen = nothingSeen();

  constructor(deps: SenderDeps) {
    this.#deps = deps;
    this.#block = new Block(deps.randomBytes);
  }

  /** A new frame. */
  send(count: number): { frame: number; pulses: Pulses } {
    const pulses = new Pulses(this.#deps.randomBytes(count));
    return { frame: this.#frames.add({ pulses, revealing: new Uint32Array() }), pulses };
  }

  /** Throws RangeError for clicks of no frame, or of pulses that it does not have. */
  sift({ frame, pulses: clicked, bases }: Clicked): Sifted {
    const { pulses } = this.#frames.get(frame);
    if (clicked.some((pulse) => pulse >= pulses.count) || bases.length !== clicked.length)
      throw new RangeError(`clicks: got other pulses than frame ${frame} has`);
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
      if (strength === 0) this.#block.push(pulses.bitOf(pulse));
      else revealing.push(pulse);
      return 1;
    });
    this.#frames.set(frame, { pulses, revealing: Uint32Array.from(revealing) });
    return { frame, kept, strengths: Uint8Array.from(strengths) };
  }

  /** @returns how to correct the block that is full; undefined: it is not yet. Throws RangeError. */
  reveal({ frame, bits, isFull }: Revealed): Correcting | undefined {
    const { pulses, revealing } = this.#frames.get(frame);
    if (bits.length !== revealing.length)
      throw new RangeError(`bits: got ${bits.length}, expected ${revealing.length}`);
    for (const [at, pulse] of revealing.entries()) {
      const seen = this.#seenOf(pulses.strengthOf(pulse));
      seen.sifted++;
      if (pulses.bitOf(pulse) !== bits[at]) seen.wrong++;
    }
    this.#frames.delete(frame);
    return isFull ? this.#block.correct() : undefined;
  }

  /** Throws RangeError for what is no question, or comes without a block. */
  answer(questions: ParityQuestions): ParityAnswers {
    return this.#block.answer(questions);
  }

  /** The end of a block. */
  verify(said: Verify): Decided {
    const { signal, decoy, vacuum } = this.#seen;
    this.#seen = nothingSeen();
    const { means, deviations } = this.#deps;
    return this.#block.end(said, (sifted, disclosed) =>
      secretBits(sifted, singlePhotons(signal, decoy, vacuum, means, deviations), disclosed),
    );
  }

  #seenOf(strength: number): Seen {
    return this.#seen[STRENGTHS[strength]!];
  }
}

function nothingSeen(): Record<Strength, Seen> {
  const none = () => ({ sent: 0, clicked: 0, sifted: 0, wrong: 0 });
  return { signal: none(), decoy: none(), vacuum: none() };
}
