/** The end of a quantum link whose detectors click; it corrects its bits into those of the sender. Pure but for its own memory. */
import type { Clicks } from "../photons/fibre.ts";
import type { RandomBytes } from "./block.ts";
import { hashed } from "./authentication.ts";
import { packed } from "./bits.ts";
import type { Corrected, ParityAnswers, ParityQuestions } from "./cascade.ts";
import { cascade } from "./cascade.ts";
import type { Clicked, Correcting, Revealed, Sifted, Verdict, Verify } from "./discussion.ts";
import { Frames } from "./frames.ts";
import { amplified } from "./toeplitz.ts";

const HASH_KEY_BYTES = 16;

export interface ReceiverDeps {
  /** Sifted bits of a block, at least. */
  blockBits: number;
  randomBytes: RandomBytes;
}

export class Receiver {
  readonly #deps: ReceiverDeps;
  readonly #frames = new Frames<Clicks>();
  #bits: number[] = [];
  #cascade: Generator<ParityQuestions, Corrected, ParityAnswers> | undefined;
  #corrected: Uint8Array | undefined;

  constructor(deps: ReceiverDeps) {
    this.#deps = deps;
  }

  clicked(frame: number, clicks: Clicks): Clicked {
    this.#frames.set(frame, clicks);
    return { frame, pulses: clicks.pulses, bases: clicks.bases };
  }

  /** Throws RangeError for what is not about a frame of its own. */
  sifted({ frame, kept, strengths }: Sifted): Revealed {
    const clicks = this.#frames.get(frame);
    if (kept.length !== clicks.bits.length)
      throw new RangeError(`sifting: got ${kept.length} clicks, expected ${clicks.bits.length}`);
    this.#frames.delete(frame);
    const bits = clicks.bits.filter((_, at) => kept[at] === 1);
    if (bits.length !== strengths.length)
      throw new RangeError(`strengths: got ${strengths.length}, expected ${bits.length}`);
    for (const [at, bit] of bits.entries()) if (strengths[at] === 0) this.#bits.push(bit);
    const revealed = bits.filter((_, at) => strengths[at] !== 0);
    return { frame, bits: revealed, isFull: this.#bits.length >= this.#deps.blockBits };
  }

  /** @returns the first questions, as `ask` does. */
  correct({ qber, seed }: Correcting): ParityQuestions | Verify {
    this.#cascade = cascade(Uint8Array.from(this.#bits), qber, seed);
    return this.#step(this.#cascade.next());
  }

  /** @returns what is asked next, or that the block is ready to be compared. Throws RangeError when nothing was asked. */
  told(answers: ParityAnswers): ParityQuestions | Verify {
    if (!this.#cascade) throw new RangeError("parities: got answers, expected a block first");
    return this.#step(this.#cascade.next(answers));
  }

  /** The end of a block. @returns its key, eight bits a byte; undefined: it has none. Throws RangeError. */
  decided({ outputBits, seed }: Verdict): Uint8Array | undefined {
    const bits = this.#corrected;
    this.#bits = [];
    this.#corrected = undefined;
    if (!bits || outputBits === 0) return undefined;
    if (outputBits > bits.length)
      throw new RangeError(`key: got ${outputBits} bits, expected ${bits.length} at most`);
    return amplified(bits, outputBits, seed);
  }

  #step(next: IteratorResult<ParityQuestions, Corrected>): ParityQuestions | Verify {
    if (next.done !== true) return next.value;
    const { bits, errors } = next.value;
    this.#cascade = undefined;
    this.#corrected = bits;
    const key = this.#deps.randomBytes(HASH_KEY_BYTES);
    return { hash: hashed(packed(bits), key), key, errors };
  }
}
