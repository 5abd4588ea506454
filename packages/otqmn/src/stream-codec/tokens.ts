/**
 * Whole numbers as a symbol and raw bits: small ones are symbols of their own, larger ones share a symbol with those of the same
 * size (four classes an octave), and the raw bits tell them apart. Signs are folded in: 0, -1, 1, -2, 2, ...
 */
import type { BitReader } from "./bit-stream.ts";
import type { SymbolReader, SymbolWriter } from "./symbol-stream.ts";
import type { FrequencyModel } from "./frequency-model.ts";

/** Symbols below are numbers by themselves. */
export const DIRECT = 32;
const DIRECT_BITS = 5;
const CLASS_BITS = 2;
const NARROW_BITS = 24;
const NARROW_MAX = 2 ** 25;
/** Numbers of symbols below have at most 24 raw bits. */
export const WIDE = DIRECT + ((NARROW_BITS + CLASS_BITS + 1 - DIRECT_BITS) << CLASS_BITS);
/** The first symbol that no number has. */
export const FREE_SYMBOL = DIRECT + (54 - DIRECT_BITS) * (1 << CLASS_BITS);
/** Numbers beyond are no tokens. */
export const TOKEN_MAX = 2 ** 52;

export function writeNumber(writer: SymbolWriter, model: FrequencyModel, value: number): void {
  if (value < NARROW_MAX && value > -NARROW_MAX) return writeNarrow(writer, model, value | 0);
  const folded = value < 0 ? -2 * value - 1 : 2 * value;
  const octave = octaveOf(folded);
  const rest = octave - CLASS_BITS;
  const high = Math.floor(folded / 2 ** rest);
  writer.write(model, DIRECT + ((octave - DIRECT_BITS) << CLASS_BITS) + (high - 4));
  writer.bits.writeWide(folded - high * 2 ** rest, rest);
}

/** @param value an integer below 2^25 in size. */
export function writeNarrow(writer: SymbolWriter, model: FrequencyModel, value: number): void {
  const folded = (value << 1) ^ (value >> 31);
  if (folded < DIRECT) return writer.write(model, folded);
  const octave = 31 - Math.clz32(folded);
  const rest = octave - CLASS_BITS;
  writer.write(model, DIRECT + ((octave - DIRECT_BITS) << CLASS_BITS) + ((folded >>> rest) & 3));
  writer.bits.write(folded & ((1 << rest) - 1), rest);
}

/** @param symbol below FREE_SYMBOL. */
export function numberOf(symbol: number, reader: SymbolReader): number {
  if (symbol < DIRECT) return (symbol >>> 1) ^ -(symbol & 1);
  if (symbol < WIDE) {
    const folded = foldedOf(symbol, reader.bits);
    return (folded >>> 1) ^ -(folded & 1);
  }
  const rest = ((symbol - DIRECT) >> CLASS_BITS) + DIRECT_BITS - CLASS_BITS;
  const high = 4 + (symbol & 3);
  const folded = high * 2 ** rest + reader.bits.readWide(rest);
  return folded % 2 === 0 ? folded / 2 : -(folded + 1) / 2;
}

/** @param symbol from DIRECT on, below WIDE. */
export function foldedOf(symbol: number, bits: BitReader): number {
  const rest = ((symbol - DIRECT) >> CLASS_BITS) + DIRECT_BITS - CLASS_BITS;
  return ((4 + (symbol & 3)) << rest) | bits.read(rest);
}

function octaveOf(value: number): number {
  const octave = Math.floor(Math.log2(value));
  return 2 ** octave > value ? octave - 1 : octave;
}
