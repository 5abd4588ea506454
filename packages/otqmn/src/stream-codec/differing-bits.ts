/** Values that are no whole numbers: the bits that differ from those that their column had before. */
import { CodecError } from "../bytes.ts";
import type { FrequencyModel } from "./frequency-model.ts";
import type { SymbolReader, SymbolWriter } from "./symbol-stream.ts";

/** Of the zeros before and behind the bits that differ. */
export type ZeroModels = readonly [leading: FrequencyModel, trailing: FrequencyModel];

/** More bits than a writer takes at once are written in parts of this size. */
const PART_BITS = 16;
const ALL_BITS = 64;

/** @param low and @param high the two words of what differs. */
export function writeDifference(
  symbols: SymbolWriter,
  [leadingModel, trailingModel]: ZeroModels,
  low: number,
  high: number,
): void {
  const leading = high === 0 ? 32 + Math.clz32(low) : Math.clz32(high);
  symbols.write(leadingModel, leading);
  if (leading === ALL_BITS) return;
  const trailing = low === 0 ? 32 + trailingZeros(high) : trailingZeros(low);
  symbols.write(trailingModel, trailing);
  const end = ALL_BITS - leading;
  for (let at = trailing; at < end; at += PART_BITS) {
    const width = Math.min(PART_BITS, end - at);
    symbols.bits.write(bitsAt(low, high, at) & ((1 << width) - 1), width);
  }
}

/** Turns the bits that differ in two words from `at` on. Throws CodecError. */
export function readDifference(
  symbols: SymbolReader,
  [leadingModel, trailingModel]: ZeroModels,
  words: Uint32Array,
  at: number,
): void {
  const leading = symbols.read(leadingModel);
  if (leading === ALL_BITS) return;
  const trailing = symbols.read(trailingModel);
  const end = ALL_BITS - leading;
  if (leading > ALL_BITS || trailing >= end)
    throw new CodecError(`bits of a value: got ${leading} and ${trailing} zeros around them`);
  for (let from = trailing; from < end; from += PART_BITS) {
    const bits = symbols.bits.read(Math.min(PART_BITS, end - from));
    if (from >= 32) words[at + 1]! ^= bits << (from - 32);
    else {
      words[at]! ^= bits << from;
      if (from > 32 - PART_BITS) words[at + 1]! ^= bits >>> (32 - from);
    }
  }
}

/** Of a word that is not 0. */
function trailingZeros(word: number): number {
  return 31 - Math.clz32(word & -word);
}

function bitsAt(low: number, high: number, at: number): number {
  if (at >= 32) return high >>> (at - 32);
  return at === 0 ? low : (low >>> at) | (high << (32 - at));
}
