/**
 * Symbols and raw bits of one batch. Symbols by range asymmetric numeral systems (rANS): written backwards, read forwards, each costs
 * what its frequency says. Source: J. Duda, arXiv:1311.2540; streaming with 16-bit words.
 *
 *   length of the bits (varint) | bits | rANS: final state (4 bytes, least first), then words (2 bytes, least first)
 */
import { ByteWriter, CodecError } from "../bytes.ts";
import type { ByteReader } from "../bytes.ts";
import { BitReader, BitWriter } from "./bit-stream.ts";
import type { FrequencyModel } from "./frequency-model.ts";
import { FREQUENCY_BITS } from "./frequency-model.ts";

const LEAST_STATE = 1 << 15;
const SLOT_MASK = (1 << FREQUENCY_BITS) - 1;
const NOVEL = 0;
const SYMBOL_BITS = 8;
const STATE_BYTES = 4;

export class SymbolWriter {
  readonly bits = new BitWriter();
  /** Frequency and start of each symbol, in order. */
  #pairs = new Uint32Array(1_024);
  #count = 0;

  write(model: FrequencyModel, symbol: number): void {
    const entry = model.entryOf(symbol);
    if (this.#count === this.#pairs.length) this.#grow();
    this.#pairs[this.#count++] = (model.start[entry]! << 16) | model.frequency[entry]!;
    if (entry !== NOVEL) return model.count(entry);
    this.bits.write(symbol, SYMBOL_BITS);
    model.add(symbol);
  }

  /** All of it as bytes; the writer begins anew. */
  finish(into: ByteWriter): void {
    const bits = this.bits.take();
    into.varint(bits.length);
    into.raw(bits);
    into.raw(this.#backwards());
    this.#count = 0;
  }

  #backwards(): Uint8Array {
    const bytes = new Uint8Array(STATE_BYTES + 2 * this.#count);
    let at = bytes.length;
    let state = LEAST_STATE;
    for (let index = this.#count - 1; index >= 0; index--) {
      const pair = this.#pairs[index]!;
      const frequency = pair & 0xffff;
      if (state >>> 19 >= frequency) {
        bytes[--at] = (state >>> 8) & 0xff;
        bytes[--at] = state & 0xff;
        state >>>= 16;
      }
      const whole = (state / frequency) | 0;
      state = (whole << FREQUENCY_BITS) + (state - whole * frequency) + (pair >>> 16);
    }
    for (let shift = 24; shift >= 0; shift -= 8) bytes[--at] = (state >>> shift) & 0xff;
    return bytes.subarray(at);
  }

  #grow(): void {
    const grown = new Uint32Array(2 * this.#pairs.length);
    grown.set(this.#pairs);
    this.#pairs = grown;
  }
}

export class SymbolReader {
  readonly bits: BitReader;
  readonly #bytes: Uint8Array;
  #at = STATE_BYTES;
  #state = 0;

  /** Throws CodecError. */
  constructor(reader: ByteReader) {
    this.bits = new BitReader(reader.raw(reader.count("bits", reader.remaining), "bits"));
    this.#bytes = reader.raw(reader.remaining, "symbols");
    if (this.#bytes.length < STATE_BYTES)
      throw new CodecError(`symbols: got ${this.#bytes.length} bytes, expected at least 4`);
    for (let index = STATE_BYTES - 1; index >= 0; index--)
      this.#state = (this.#state << 8) | this.#bytes[index]!;
    if (this.#state < LEAST_STATE)
      throw new CodecError(`symbols: got the state ${this.#state}, expected at least 2^15`);
  }

  read(model: FrequencyModel): number {
    const slot = this.#state & SLOT_MASK;
    const entry = model.entryAt(slot);
    let state =
      model.frequency[entry]! * (this.#state >>> FREQUENCY_BITS) + slot - model.start[entry]!;
    if (state < LEAST_STATE) {
      if (this.#at + 2 > this.#bytes.length)
        throw new CodecError("symbols: got the end of the bytes, expected more");
      state = (state << 16) | (this.#bytes[this.#at]! | (this.#bytes[this.#at + 1]! << 8));
      this.#at += 2;
    }
    this.#state = state;
    if (entry !== NOVEL) {
      model.count(entry);
      return model.symbolOf(entry);
    }
    const symbol = this.bits.read(SYMBOL_BITS);
    if (!model.add(symbol)) throw new CodecError(`symbol: got ${symbol} as a new one again`);
    return symbol;
  }

  /** Throws CodecError unless everything has been read. */
  end(): void {
    this.bits.end();
    if (this.#at !== this.#bytes.length || this.#state !== LEAST_STATE)
      throw new CodecError("symbols: got more than expected");
  }
}
