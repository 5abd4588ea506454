/**
 * Symbols and raw bits of one batch. Symbols by range asymmetric numeral systems (rANS): written backwards, read forwards, each costs
 * what its frequency says. Source: J. Duda, arXiv:1311.2540; streaming with 16-bit words.
 *
 *   length of the bits (varint) | bits | rANS: final state (4 bytes, least first), then words (2 bytes, least first)
 */
import type { ByteReader, ByteWriter } from "../bytes.ts";
import { CodecError } from "../bytes.ts";
import { BitReader, BitWriter } from "./bit-stream.ts";
import type { FrequencyModel } from "./frequency-model.ts";
import * as models from "./frequency-model.ts";
import { grown } from "./grown.ts";

// Constants of this module: the compiler knows their values, while those of another are loaded for each symbol.
const FREQUENCY_BITS = models.FREQUENCY_BITS;
const LOW_12 = models.LOW_12;
const NOVEL = models.NOVEL;
const START_SHIFT = models.START_SHIFT;
const SYMBOL_SHIFT = models.SYMBOL_SHIFT;
const WINDOW_SHIFT = models.WINDOW_SHIFT;
export const LEAST_STATE = 1 << 15;
export const SLOT_MASK = (1 << FREQUENCY_BITS) - 1;
const SYMBOL_BITS = 8;
const STATE_BYTES = 4;
/** Bits of the state above which a symbol of frequency 1 must push a word out. */
const PUSH_SHIFT = 19;

export class SymbolWriter {
  readonly bits = new BitWriter();
  /** What the model said of each symbol, in order. */
  #packed = new Uint32Array(1_024);
  #count = 0;

  write(model: FrequencyModel, symbol: number): void {
    if (model.entryOf.length === 0) model.index();
    const entry = model.entryOf[symbol]!;
    if (this.#count === this.#packed.length) this.#packed = grown(this.#packed, 0);
    this.#packed[this.#count++] = model.packed[entry]!;
    if (entry === NOVEL) {
      this.bits.write(symbol, SYMBOL_BITS);
      model.add(symbol);
      return;
    }
    model.counts[entry]!++;
    if (--model.untilRebuild === 0) model.rebuild();
  }

  /** All of it as bytes; the writer begins anew. */
  finish(into: ByteWriter): void {
    into.part(this.bits.take());
    into.raw(this.#backwards());
    this.#count = 0;
  }

  #backwards(): Uint8Array {
    const all = this.#packed;
    const bytes = new Uint8Array(STATE_BYTES + 2 * this.#count);
    let at = bytes.length;
    let state = LEAST_STATE;
    for (let index = this.#count - 1; index >= 0; index--) {
      const packed = all[index]!;
      const frequency = (packed & LOW_12) + 1;
      if (state >>> PUSH_SHIFT >= frequency) {
        bytes[--at] = (state >>> 8) & 0xff;
        bytes[--at] = state & 0xff;
        state >>>= 16;
      }
      const whole = (state / frequency) | 0;
      state =
        ((whole << FREQUENCY_BITS) +
          (state - Math.imul(whole, frequency)) +
          ((packed >>> START_SHIFT) & LOW_12)) |
        0;
    }
    for (let shift = 24; shift >= 0; shift -= 8) bytes[--at] = (state >>> shift) & 0xff;
    return bytes.subarray(at);
  }
}

/** Of the batch that is read: one is read at a time. */
let words = new Uint16Array(1_024);
let wordsUsed = 0;

export class SymbolReader {
  readonly bits: BitReader;
  /** What a loop over many symbols holds in variables of its own (value-reader.ts): the coder's state, and its next word. */
  readonly words: Uint16Array;
  /** One that is not there is read as 0, and noticed at the end. */
  at = 0;
  state = 0;
  readonly #wordCount: number;

  /** Throws CodecError. */
  constructor(reader: ByteReader) {
    this.bits = new BitReader(reader, "bits");
    const length = reader.remaining;
    if (length < STATE_BYTES || length % 2 !== 0)
      throw new CodecError(`symbols: got ${length} bytes, expected an even number from 4 on`);
    for (let shift = 0; shift < 32; shift += 8) this.state |= reader.byte("symbols") << shift;
    this.#wordCount = (length - STATE_BYTES) / 2;
    if (words.length < this.#wordCount) words = new Uint16Array(2 * this.#wordCount);
    // What is behind the last one is read as 0.
    words.fill(0, this.#wordCount, wordsUsed);
    wordsUsed = this.#wordCount;
    reader.copy(new Uint8Array(words.buffer), length - STATE_BYTES, "symbols");
    this.words = words;
    if (this.state < LEAST_STATE)
      throw new CodecError(`symbols: got the state ${this.state}, expected at least 2^15`);
  }

  read(model: FrequencyModel): number {
    const slot = this.state & SLOT_MASK;
    let entry = model.windows.length > 0 ? model.windows[slot >>> WINDOW_SHIFT]! : 0;
    const all = model.packed;
    let packed = all[entry]!;
    // All slots below 4,096 belong to an entry.
    while (slot > ((packed >>> START_SHIFT) & LOW_12) + (packed & LOW_12)) packed = all[++entry]!;
    const state =
      Math.imul((packed & LOW_12) + 1, this.state >>> FREQUENCY_BITS) +
      slot -
      ((packed >>> START_SHIFT) & LOW_12);
    this.state = state < LEAST_STATE ? (state << 16) | this.words[this.at++]! : state;
    if (entry === NOVEL) return this.#novel(model);
    model.counts[entry]!++;
    const symbol = packed >>> SYMBOL_SHIFT;
    if (--model.untilRebuild === 0) model.rebuild();
    return symbol;
  }

  /** The symbol behind NOVEL. */
  #novel(model: FrequencyModel): number {
    const symbol = this.bits.read(SYMBOL_BITS);
    if (!model.add(symbol)) throw new CodecError(`symbol: got ${symbol} as a new one again`);
    return symbol;
  }

  /** Throws CodecError unless everything has been read. */
  end(): void {
    this.bits.end();
    if (this.at !== this.#wordCount || this.state !== LEAST_STATE)
      throw new CodecError(
        `symbols: got ${this.#wordCount} words, expected ${this.at} and a state that is at its end`,
      );
  }
}
