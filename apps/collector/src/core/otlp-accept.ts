/** OTLP requests as received -> what is stored of them. Each is decoded once. */
import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { RpcError } from "@glassline/proto/errors";
import { ExportLogsServiceRequestSchema } from "@glassline/proto/otlp/logs-service";
import { ExportMetricsServiceRequestSchema } from "@glassline/proto/otlp/metrics-service";
import { ExportTraceServiceRequestSchema } from "@glassline/proto/otlp/trace-service";

import { Rejections } from "./otlp-rejections.ts";
import { siftMetrics, siftTraces } from "./otlp-sift.ts";

export interface Accepted<D extends DescMessage> {
  /** Without what is rejected. */
  message: MessageShape<D>;
  /** To be stored: the bytes as received, or the message encoded anew when something was rejected. Empty: nothing to store. */
  bytes: Uint8Array;
  rejections: Rejections;
}

/** @param request ExportMetricsServiceRequest. Throws RpcError "invalid_argument" when it is none. */
export function acceptMetrics(
  request: Uint8Array,
): Accepted<typeof ExportMetricsServiceRequestSchema> {
  return accept(ExportMetricsServiceRequestSchema, request, siftMetrics);
}

/** @param request ExportTraceServiceRequest. Throws RpcError "invalid_argument" when it is none. */
export function acceptTraces(
  request: Uint8Array,
): Accepted<typeof ExportTraceServiceRequestSchema> {
  return accept(ExportTraceServiceRequestSchema, request, siftTraces);
}

/**
 * No log record is rejected: one whose ids are wrong is kept as one that belongs to no trace
 * (opentelemetry/proto/logs/v1/logs.proto, LogRecord.trace_id).
 * @param request ExportLogsServiceRequest. Throws RpcError "invalid_argument" when it is none.
 */
export function acceptLogs(request: Uint8Array): Accepted<typeof ExportLogsServiceRequestSchema> {
  return accept(ExportLogsServiceRequestSchema, request, () => new Rejections());
}

function accept<D extends DescMessage>(
  schema: D,
  request: Uint8Array,
  sift: (message: MessageShape<D>) => Rejections,
): Accepted<D> {
  const message = decode(schema, request);
  const rejections = sift(message);
  const isWhole = rejections.byReason.size === 0;
  return { message, bytes: isWhole ? request : toBinary(schema, message), rejections };
}

function decode<D extends DescMessage>(schema: D, request: Uint8Array): MessageShape<D> {
  try {
    return fromBinary(schema, request);
  } catch (error) {
    throw notMessage(schema, error);
  }
}

/** What the sender of such bytes is told. */
export function notMessage({ typeName }: DescMessage, cause: unknown): RpcError {
  return new RpcError(
    "invalid_argument",
    `body: got bytes that are not ${typeName}: ${(cause as Error).message}`,
    { cause },
  );
}
