/** What the codec of values says beside numbers. */
import { FREE_SYMBOL } from "./tokens.ts";

/** How the values of one run (all points of a context in a batch) are written. */
export const MODE = {
  /** Each is that of its column before. */
  same: 0,
  /** By how much it differs from that before. */
  last: 1,
  /** By how much it differs from that before and the usual step. */
  step: 2,
  /** As it is. */
  plain: 3,
  /** No whole number: the bits that differ from those before. */
  xor: 4,
  /** A new scale, then one of the others. */
  rescale: 5,
} as const;

/** Symbols beside those of numbers. */
export const SYMBOL = {
  /** One of the last differences of this batch again, or with the other sign. */
  again: FREE_SYMBOL,
  opposite: FREE_SYMBOL + 8,
  /** 64 bits as they are: the value is no whole multiple of the scale. */
  escape: FREE_SYMBOL + 16,
} as const;

/** So many points without a surprise make a column calm. */
export const CALM_AFTER = 8;
