/** What a stream may make its receiver keep, and what a batch may hold. A peer that goes beyond is refused. */
export interface StreamLimits {
  /** A batch as it travels, and its definitions with the compressor taken off. */
  batchMaxBytes: number;
  batchMaxPoints: number;
  /** Since the last key batch: columns and parts of all series, texts in their definitions, and shapes with their columns. */
  columnsMax: number;
  partsMax: number;
  textsMax: number;
  textsMaxBytes: number;
  shapesMax: number;
  shapeColumnsMax: number;
  /** Distinct quantities that are modelled apart; further ones share. */
  contextsMax: number;
}

export const STREAM_LIMITS: StreamLimits = {
  batchMaxBytes: 4_194_304,
  batchMaxPoints: 200_000,
  columnsMax: 1_000_000,
  partsMax: 8_000_000,
  textsMax: 500_000,
  textsMaxBytes: 67_108_864,
  shapesMax: 200_000,
  shapeColumnsMax: 4_000_000,
  contextsMax: 512,
};

/** Of a stream whose receiver has told its own: the smaller ones. What it left out, or told as 0, is as above. */
export function agreedLimits(
  told: Partial<Pick<StreamLimits, "batchMaxBytes" | "batchMaxPoints" | "columnsMax">>,
): StreamLimits {
  const least = (name: keyof typeof told) =>
    Math.min(STREAM_LIMITS[name], told[name] || Number.POSITIVE_INFINITY);
  return {
    ...STREAM_LIMITS,
    batchMaxBytes: least("batchMaxBytes"),
    batchMaxPoints: least("batchMaxPoints"),
    columnsMax: least("columnsMax"),
  };
}

export const PARTS_LEAST = 2;
export const PARTS_MAX = 256;
export const TEXT_MAX_BYTES = 65_536;
export const SERIES_COLUMNS_MAX = 4_096;
export const FIELD_MAX = 65_535;
