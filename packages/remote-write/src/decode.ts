/** A request of remote write as an OTLP request. Everything is bounded by `LIMITS`. */
import { create } from "@bufbuild/protobuf";
import type { ExportMetricsServiceRequest } from "@glassline/proto/otlp/metrics-service";
import { ExportMetricsServiceRequestSchema } from "@glassline/proto/otlp/metrics-service";

import { readV1 } from "./message-v1.ts";
import { readV2 } from "./message-v2.ts";
import { Rejections } from "./rejections.ts";
import type { Written } from "./to-otlp.ts";
import { OtlpBuilder } from "./to-otlp.ts";

/** The messages, by their names in Content-Type. */
export const MESSAGES = ["prometheus.WriteRequest", "io.prometheus.write.v2.Request"] as const;
export type MessageName = (typeof MESSAGES)[number];

export interface DecodedRequest {
  request: ExportMetricsServiceRequest;
  /** What is in the request. */
  written: Written;
  /** What is not, because it is invalid or OTLP cannot say it. */
  rejections: Rejections;
}

/**
 * @param body not compressed.
 * Throws RequestError when nothing of it can be taken: "malformed" or "too-large".
 */
export function decodeRequest(message: MessageName, body: Uint8Array): DecodedRequest {
  const rejections = new Rejections();
  const builder = new OtlpBuilder(rejections);
  const read = message === "prometheus.WriteRequest" ? readV1 : readV2;
  for (const series of read(body, rejections)) builder.add(series);
  const { resourceMetrics, written } = builder;
  const request = create(ExportMetricsServiceRequestSchema, { resourceMetrics });
  return { request, written, rejections };
}
