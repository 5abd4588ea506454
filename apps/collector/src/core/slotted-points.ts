/** Points as the fleet takes them: columns of slots and values, in groups of one time. Nothing is made for each point. */
export interface SlottedPoints {
  /** By position: the slot of the series (core/series-table.ts), or NO_SLOT. */
  slots: Uint32Array;
  value: Float64Array;
  /** By group: the position behind its last point. */
  groupEnd: Uint32Array;
  groupTimeUnixNano: BigUint64Array;
}

/** Of a series that is beyond the limits. */
export const NO_SLOT = 0xffff_ffff;
