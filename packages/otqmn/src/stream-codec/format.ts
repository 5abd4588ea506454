/** Numbers of the payload's head; see FORMAT.md. */
export const FLAG = {
  /** Nothing before this batch is needed to read it. */
  key: 1,
  definitions: 2,
  /** The definitions are compressed (zstd). */
  compressed: 4,
} as const;

export const BASE_BYTES = 8;
export const BASE_UNIT_NANO = 1_000_000_000n;
export const SHAPE_BITS = 24;
/** Shorter definitions are not worth a compressor. */
export const COMPRESS_LEAST_BYTES = 128;
