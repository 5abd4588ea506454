/**
 * The end of a quantum link of entangled pairs (E91) that measures first, and whose bits count. It says the same as a sender of pulses: of pairs that were
 * measured alike the bits are key ("signal"), of the others they are revealed. Pure but for its own memory: randomness comes in.
 */
import type { Halves } from "../photons/e91.ts";
import { Chsh, isAlike, measureHalves } from "../photons/e91.ts";
import { informationAt } from "../physics/entropy.ts";
import type { Decided, RandomBytes } from "./block.ts";
import { Block } from "./block.ts";
import type { ParityAnswers, ParityQuestions } from "./cascade.ts";
import type { Clicked, Correcting, Revealed, Sifted, Verify } from "./discussion.ts";
import { Frames } from "./frames.ts";

interface Frame {
  halves: Halves;
  /** Of those that are revealed: the pair, and Bob's direction. */
  revealing: { pair: number; direction: number }[];
}

const [SIGNAL, REVEALED] = [0, 1];
const DIRECTIONS = 3;

export interface PairSenderDeps {
  /** By how many standard deviations chance may have made the pairs look better than they are. */
  deviations: number;
  randomBytes: RandomBytes;
}

export class PairSender {
  readonly #deps: PairSenderDeps;
  readonly #frames = new Frames<Frame>();
  readonly #block: Block;
  #chsh = new Chsh();
  #lastChsh: number | undefined;

  constructor(deps: PairSenderDeps) {
    this.#deps = deps;
    this.#block = new Block(deps.randomBytes);
  }

  /** S of the last block's pairs; undefined: there was none yet. */
  get chsh(): number | undefined {
    return this.#lastChsh;
  }

  /** A new frame: this end's halves are measured. */
  send(count: number): { frame: number; halves: Halves } {
    const halves = measureHalves(this.#deps.randomBytes(2 * count));
    return { frame: this.#frames.add({ halves, revealing: [] }), halves };
  }

  /** Throws RangeError for clicks of no frame, of pairs that it does not have, or along no direction. */
  sift({ frame, pulses: clicked, bases }: Clicked): Sifted {
    const { halves } = this.#frames.get(frame);
    const isStrange = clicked.some((pair) => pair >= halves.bits.length);
    if (isStrange || bases.length !== clicked.length || bases.some((one) => one >= DIRECTIONS))
      throw new RangeError(`clicks: got other pairs than frame ${frame} has`);
    const revealing: Frame["revealing"] = [];
    const strengths = bases.map((direction, at) => {
      const pair = clicked[at]!;
      if (!isAlike(halves.directions[pair]!, direction)) {
        revealing.push({ pair, direction });
        return REVEALED!;
      }
      this.#block.push(halves.bits[pair]!);
      return SIGNAL!;
    });
    this.#frames.set(frame, { halves, revealing });
    return { frame, kept: new Uint8Array(clicked.length).fill(1), strengths };
  }

  /** @returns how to correct the block that is full; undefined: it is not yet. Throws RangeError. */
  reveal({ frame, bits, isFull }: Revealed): Correcting | undefined {
    const { halves, revealing } = this.#frames.get(frame);
    if (bits.length !== revealing.length)
      throw new RangeError(`bits: got ${bits.length}, expected ${revealing.length}`);
    for (const [at, { pair, direction }] of revealing.entries())
      this.#chsh.add(halves.directions[pair]!, direction, halves.bits[pair] === bits[at]);
    this.#frames.delete(frame);
    return isFull ? this.#block.correct() : undefined;
  }

  /** Throws RangeError for what is no question, or comes without a block. */
  answer(questions: ParityQuestions): ParityAnswers {
    return this.#block.answer(questions);
  }

  /** The end of a block: its key is safe as far as the inequality is violated, whatever the devices do. */
  verify(said: Verify): Decided {
    const { value, deviation } = this.#chsh;
    this.#chsh = new Chsh();
    this.#lastChsh = value;
    const least = value - this.#deps.deviations * deviation;
    return this.#block.end(said, (sifted, disclosed) =>
      Math.max(0, Math.floor(sifted * (1 - informationAt(least)) - disclosed)),
    );
  }
}
