/** Points as the fleet takes them: columns of slots and values, in groups of one time. Nothing is made for each point. */
export interface SlottedPoints {
  /** By position: the slot of the series (core/series-table.ts), or none: NO_SLOT and above. */
  slots: Uint32Array;
  value: Float64Array;
  /** By group: the position behind its last point. */
  groupEnd: Uint32Array;
  /** Nanoseconds since 1970, two words a group, least first. */
  groupTime: Uint32Array;
}

/** Why a point is not shown: its series, or its camera, is beyond this limit, or was forgotten, which no point that is under way should meet. */
export const NOT_SHOWN_REASONS = ["series_of_camera", "series", "cameras", "forgotten"] as const;
export type NotShownReason = (typeof NOT_SHOWN_REASONS)[number];

/** Slots from here on are none. */
export const NO_SLOT = 0xffff_fff0;

/** In the place of the slot of a series that is not shown. */
export const noSlotOf = (reason: NotShownReason): number =>
  NO_SLOT + NOT_SHOWN_REASONS.indexOf(reason);
