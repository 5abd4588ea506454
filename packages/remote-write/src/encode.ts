/** OTLP's metrics as a request of remote write. */
import type { ResourceMetrics } from "@glassline/proto/otlp/metrics";

import type { MessageName } from "./decode.ts";
import type { EncodeOptions } from "./from-otlp.ts";
import { seriesOfOtlp } from "./from-otlp.ts";
import { writeV1 } from "./message-v1.ts";
import { writeV2 } from "./message-v2.ts";
import { Rejections } from "./rejections.ts";

export interface EncodedRequest {
  /** Not compressed. */
  body: Uint8Array;
  series: number;
  /** Points that remote write cannot say, by reason. */
  rejections: Rejections;
}

/** The standard has names with their unit and `_total`. */
export const STANDARD_NAMES: EncodeOptions = { suffixes: true };

export function encodeRequest(
  message: MessageName,
  resourceMetrics: readonly ResourceMetrics[],
  options: EncodeOptions = STANDARD_NAMES,
): EncodedRequest {
  const rejections = new Rejections();
  const series = seriesOfOtlp(resourceMetrics, options, rejections).all;
  const body = message === "prometheus.WriteRequest" ? writeV1(series) : writeV2(series);
  return { body, series: series.length, rejections };
}
