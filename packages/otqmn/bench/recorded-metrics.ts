/** Files of recorded metrics as STEF's size benchmark has them: [4-byte big-endian length][MetricsData]*, in zstd. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { zstdDecompressSync } from "node:zlib";

import { fromBinary } from "@bufbuild/protobuf";
import type { ExportMetricsServiceRequest } from "@glassline/proto/otlp/metrics-service";
import { ExportMetricsServiceRequestSchema } from "@glassline/proto/otlp/metrics-service";

const DATA =
  process.env["GLASSLINE_DATA"] ??
  fileURLToPath(new URL("../../../../shared/data", import.meta.url));

/** A file of the kind, where it is there. */
export const RECORDED_METRICS = join(DATA, "hostandcollector-otelmetrics.zst");

/** The parts as they are on disk. */
export function* partsIn(path: string): Generator<Uint8Array> {
  const bytes = zstdDecompressSync(readFileSync(path));
  for (let at = 0; at < bytes.length;) {
    const end = at + 4 + bytes.readUInt32BE(at);
    yield bytes.subarray(at + 4, end);
    at = end;
  }
}

/** MetricsData and a request have the same fields. */
export function* requestsIn(path: string): Generator<ExportMetricsServiceRequest> {
  for (const part of partsIn(path)) yield fromBinary(ExportMetricsServiceRequestSchema, part);
}

export function countPoints({ resourceMetrics }: ExportMetricsServiceRequest): number {
  return resourceMetrics
    .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics))
    .reduce((sum, { data }) => sum + (data.value?.dataPoints.length ?? 0), 0);
}
