/**
 * What an OTLP answer means for the exporter. Source: https://opentelemetry.io/docs/specs/otlp/#failures, #failures-1,
 * #otlpgrpc-throttling, #otlphttp-throttling
 */
import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import { fromBinary } from "@bufbuild/protobuf";
import { anyUnpack, durationMs } from "@bufbuild/protobuf/wkt";
import type { RpcCode } from "@glassline/proto/errors";
import { rpcCodeOfGrpc } from "@glassline/proto/errors";
import { RetryInfoSchema } from "@glassline/proto/google/error-details";
import { StatusSchema } from "@glassline/proto/google/status";
import { ExportLogsServiceResponseSchema } from "@glassline/proto/otlp/logs-service";
import { ExportMetricsServiceResponseSchema } from "@glassline/proto/otlp/metrics-service";
import { ExportTraceServiceResponseSchema } from "@glassline/proto/otlp/trace-service";

import type { SignalName } from "../core/otlp-items.ts";
import type { Outcome } from "./target.ts";

const RETRYABLE: ReadonlySet<RpcCode> = new Set([
  "canceled",
  "deadline_exceeded",
  "aborted",
  "out_of_range",
  "unavailable",
  "data_loss",
]);

/**
 * Faults of the configuration. The specification has them dropped; the log keeps the data, so it waits until somebody has
 * mended the token instead.
 */
const DENIED: ReadonlySet<RpcCode> = new Set(["unauthenticated", "permission_denied"]);
const DENIED_HTTP: ReadonlySet<number> = new Set([401, 403, 407]);
const RETRYABLE_HTTP: ReadonlySet<number> = new Set([408, 429, 502, 503, 504]);

/** @param details bytes of google.rpc.Status, if the target sent them. */
export function grpcFailure(
  status: number,
  message: string,
  details: Uint8Array | undefined,
): Outcome {
  const reason = rpcCodeOfGrpc(status);
  const delayMs = details && retryDelayMs(details);
  const passes = reason === "resource_exhausted" ? delayMs !== undefined : RETRYABLE.has(reason);
  return passes || DENIED.has(reason)
    ? { kind: "failed", reason, message, delayMs }
    : { kind: "refused", reason, message };
}

/** @param body of google.rpc.Status, as a rule. @param retryAfter the header. */
export function httpFailure(
  status: number,
  body: Uint8Array,
  retryAfter: string | undefined,
  nowMs: number,
): Outcome {
  const [reason, message] = [`http_${status}`, httpMessage(status, body)];
  // A redirect leads to an address that nobody configured.
  const isForLater = status < 400 || RETRYABLE_HTTP.has(status) || DENIED_HTTP.has(status);
  return isForLater
    ? { kind: "failed", reason, message, delayMs: retryAfterMs(retryAfter, nowMs) }
    : { kind: "refused", reason, message };
}

/** @param response Export*ServiceResponse. */
export function taken(signal: SignalName, response: Uint8Array): Outcome {
  const { rejected, message } = partialSuccess(signal, response);
  return { kind: "taken", rejected, message };
}

function partialSuccess(
  signal: SignalName,
  response: Uint8Array,
): { rejected: number; message: string } {
  const none = { rejected: 0, message: "" };
  if (signal === "metrics") {
    const partial = decoded(ExportMetricsServiceResponseSchema, response)?.partialSuccess;
    return partial
      ? { rejected: Number(partial.rejectedDataPoints), message: partial.errorMessage }
      : none;
  }
  if (signal === "traces") {
    const partial = decoded(ExportTraceServiceResponseSchema, response)?.partialSuccess;
    return partial
      ? { rejected: Number(partial.rejectedSpans), message: partial.errorMessage }
      : none;
  }
  const partial = decoded(ExportLogsServiceResponseSchema, response)?.partialSuccess;
  return partial
    ? { rejected: Number(partial.rejectedLogRecords), message: partial.errorMessage }
    : none;
}

function retryDelayMs(details: Uint8Array): number | undefined {
  for (const detail of decoded(StatusSchema, details)?.details ?? []) {
    const info = anyUnpack(detail, RetryInfoSchema);
    if (info) return info.retryDelay ? durationMs(info.retryDelay) : 0;
  }
  return undefined;
}

/** Seconds or a date, RFC 9110 section 10.2.3. */
function retryAfterMs(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d+$/.test(header)) return Number(header) * 1_000;
  const dateMs = Date.parse(header);
  return Number.isNaN(dateMs) ? undefined : Math.max(0, dateMs - nowMs);
}

function httpMessage(status: number, body: Uint8Array): string {
  const message = decoded(StatusSchema, body)?.message;
  return message ? `HTTP ${status}: ${message}` : `HTTP ${status}`;
}

/** Undefined when the bytes are something else: a target may answer what it likes. */
function decoded<D extends DescMessage>(schema: D, bytes: Uint8Array): MessageShape<D> | undefined {
  try {
    return fromBinary(schema, bytes);
  } catch {
    return undefined;
  }
}
