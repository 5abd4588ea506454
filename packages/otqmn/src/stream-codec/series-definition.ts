import { bigintsOf } from "../words.ts";

/** A series as a stream knows it: what is measured, and the columns of numbers that its points have. */
export interface SeriesDefinition {
  /**
   * What tells it from others, as texts; what they mean is agreed upon by those who write and read. The first names the quantity (points of
   * one quantity are modelled together), the second its owner (points of one owner and time are a group).
   */
  readonly parts: readonly string[];
  readonly columns: readonly ColumnDefinition[];
}

export interface ColumnDefinition {
  /** "float": 64 bits are an IEEE 754 double; "int": a two's complement integer. */
  readonly type: "float" | "int";
  /** Which of the quantity's numbers it is: 0 for the value itself; those of one field are modelled together. */
  readonly field: number;
}

/** Points as columns of equal length, in any order; it is best when those of one owner and time stand together. */
export interface Points {
  count: number;
  /** Number of the column. */
  column: Uint32Array;
  timeUnixNano: BigUint64Array;
  /** IEEE 754 or two's complement. */
  bits: BigUint64Array;
}

/** Points as they are read: groups of one owner and time, one behind another. */
export interface GroupedPoints {
  count: number;
  column: Uint32Array;
  /** As if all were doubles; those that are not hold their bits all the same. */
  floats: Float64Array;
  groups: number;
  /** By group: the place behind its last point. */
  groupEnd: Uint32Array;
  /** Nanoseconds since 1970, two words a group, least first. */
  groupTime: Uint32Array;
}

/** Nanoseconds since 1970, by point. */
export function timesOf({ count, groupEnd, groupTime }: GroupedPoints): BigUint64Array {
  const groupTimeUnixNano = bigintsOf(groupTime);
  const times = new BigUint64Array(count);
  let from = 0;
  groupEnd.forEach((to, group) => {
    times.fill(groupTimeUnixNano[group]!, from, to);
    from = to;
  });
  return times;
}
