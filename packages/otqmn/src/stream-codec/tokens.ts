/**
 * Whole numbers as a symbol and raw bits: small ones are symbols of their own, larger ones share a symbol with those of the same
 * size (four classes an octave), and the raw bits tell them apart. Signs are folded in: 0, -1, 1, -2, 2, ...
 */
import type { SymbolReader, SymbolWriter } from "./symbol-stream.ts";
import type { FrequencyModel } from "./frequency-model.ts";

const DIRECT = 32;
const DIRECT_BITS = 5;
const CLASS_BITS = 2;
/** The first symbol that no number has. */
export const FREE_SYMBOL = DIRECT + (54 - DIRECT_BITS) * (1 << CLASS_BITS);
/** Numbers beyond are no tokens. */
export const TOKEN_MAX = 2 ** 52;

function fold(value: number): number {
  return value < 0 ? -2 * value - 1 : 2 * value;
}

export function writeNumber(writer: SymbolWriter, model: FrequencyModel, value: number): void {
  const folded = fold(value);
  if (folded < DIRECT) return writer.write(model, folded);
  const octave = folded < 2_147_483_648 ? 31 - Math.clz32(folded) : octaveOf(folded);
  const rest = octave - CLASS_BITS;
  if (octave <= 30) {
    writer.write(model, DIRECT + ((octave - DIRECT_BITS) << CLASS_BITS) + ((folded >>> rest) & 3));
    const low = folded & ((1 << rest) - 1);
    if (rest <= 24) writer.bits.write(low, rest);
    else writer.bits.writeWide(low, rest);
    return;
  }
  const high = Math.floor(folded / 2 ** rest);
  writer.write(model, DIRECT + ((octave - DIRECT_BITS) << CLASS_BITS) + (high - 4));
  writer.bits.writeWide(folded - high * 2 ** rest, rest);
}

/** @param symbol below FREE_SYMBOL. */
export function numberOf(symbol: number, reader: SymbolReader): number {
  if (symbol < DIRECT) return (symbol >>> 1) ^ -(symbol & 1);
  const rest = ((symbol - DIRECT) >> CLASS_BITS) + DIRECT_BITS - CLASS_BITS;
  const high = 4 + ((symbol - DIRECT) & 3);
  if (rest <= 24) {
    const folded = (high << rest) | reader.bits.read(rest);
    return (folded >>> 1) ^ -(folded & 1);
  }
  const folded = high * 2 ** rest + reader.bits.readWide(rest);
  return folded % 2 === 0 ? folded / 2 : -(folded + 1) / 2;
}

function octaveOf(value: number): number {
  const octave = Math.floor(Math.log2(value));
  return 2 ** octave > value ? octave - 1 : octave;
}
