/** The three signals of OTLP: where their requests come in, and which part of the pipeline takes them. */
import type { DescMessage, DescMethod, MessageShape } from "@bufbuild/protobuf";
import { create } from "@bufbuild/protobuf";
import { ExportLogsServiceResponseSchema, LogsService } from "@glassline/proto/otlp/logs-service";
import {
  ExportMetricsServiceResponseSchema,
  MetricsService,
} from "@glassline/proto/otlp/metrics-service";
import {
  ExportTraceServiceResponseSchema,
  TraceService,
} from "@glassline/proto/otlp/trace-service";

import type { Rejections } from "../core/otlp-rejections.ts";
import type { Pipeline } from "../pipeline.ts";

export interface Signal {
  /** Of OTLP/HTTP, https://opentelemetry.io/docs/specs/otlp/#otlphttp-request */
  path: string;
  /** Of OTLP/gRPC. */
  method: DescMethod;
  append(pipeline: Pipeline, request: Uint8Array): Promise<Rejections>;
  /** The answer to a request that was taken, with what of it was not. */
  answer(rejections: Rejections): MessageShape<DescMessage>;
}

export const SIGNALS: readonly Signal[] = [
  {
    path: "/v1/metrics",
    method: MetricsService.method.export,
    append: (pipeline, request) => pipeline.appendMetrics(request),
    answer: ({ total, message }) =>
      create(ExportMetricsServiceResponseSchema, {
        ...(total > 0 && {
          partialSuccess: { rejectedDataPoints: BigInt(total), errorMessage: message },
        }),
      }),
  },
  {
    path: "/v1/traces",
    method: TraceService.method.export,
    append: (pipeline, request) => pipeline.appendTraces(request),
    answer: ({ total, message }) =>
      create(ExportTraceServiceResponseSchema, {
        ...(total > 0 && {
          partialSuccess: { rejectedSpans: BigInt(total), errorMessage: message },
        }),
      }),
  },
  {
    path: "/v1/logs",
    method: LogsService.method.export,
    append: (pipeline, request) => pipeline.appendLogs(request),
    answer: ({ total, message }) =>
      create(ExportLogsServiceResponseSchema, {
        ...(total > 0 && {
          partialSuccess: { rejectedLogRecords: BigInt(total), errorMessage: message },
        }),
      }),
  },
];
