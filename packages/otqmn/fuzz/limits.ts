import type { StreamLimits } from "../src/stream-codec/limits.ts";
import { STREAM_LIMITS } from "../src/stream-codec/limits.ts";

/** Limits that a changed stream can reach. */
export const SMALL_LIMITS: StreamLimits = {
  ...STREAM_LIMITS,
  batchMaxBytes: 65_536,
  batchMaxPoints: 2_000,
  columnsMax: 64,
  partsMax: 200,
  textsMax: 100,
  textsMaxBytes: 2_000,
  shapesMax: 40,
  shapeColumnsMax: 400,
  contextsMax: 4,
};
