/**
 * Why an OTLP request is refused as a whole, and what its sender is told: a google.rpc.Status, with RetryInfo when it may be
 * sent again. Source: https://opentelemetry.io/docs/specs/otlp/#failures, #failures-1, #otlpgrpc-throttling, #otlphttp-throttling
 */
import { create, createRegistry } from "@bufbuild/protobuf";
import { anyPack, durationFromMs } from "@bufbuild/protobuf/wkt";
import type { RpcCode } from "@glassline/proto/errors";
import { RpcError, toRpcError } from "@glassline/proto/errors";
import { RetryInfoSchema } from "@glassline/proto/google/error-details";
import type { Status } from "@glassline/proto/google/status";
import { StatusSchema } from "@glassline/proto/google/status";
import { LogRefusal } from "@glassline/segment-log";

import type { MemoryBudget } from "../core/memory-budget.ts";

const RETRY_DELAY_MS = 1_000;

export class OtlpRefusal extends Error {
  override readonly name = "OtlpRefusal";
  /** For the metric. */
  readonly reason: string;
  readonly code: RpcCode;
  readonly httpStatus: number;
  /** When the sender may try again; undefined: never, the data is to be dropped. */
  readonly retryDelayMs: number | undefined;

  constructor(
    reason: string,
    code: RpcCode,
    message: string,
    options: ErrorOptions & { httpStatus?: number } = {},
  ) {
    super(message, options);
    this.reason = reason;
    this.code = code;
    this.httpStatus = options.httpStatus ?? new RpcError(code, message).httpStatus;
    this.retryDelayMs = code === "unavailable" ? RETRY_DELAY_MS : undefined;
  }
}

export function outOfMemory({ refusal }: Pick<MemoryBudget, "refusal">): OtlpRefusal {
  return new OtlpRefusal("memory", "unavailable", `OTLP requests: ${refusal}; try again`);
}

/** Of a body before or after its content encoding is taken off. */
export function tooLarge(got: string, maxBytes: number): OtlpRefusal {
  return new OtlpRefusal(
    "too_large",
    "resource_exhausted",
    `body: got ${got}, expected at most ${maxBytes} bytes`,
    { httpStatus: 413 },
  );
}

/** Any thrown value as a refusal; what is neither a refusal nor an RpcError is a bug of ours. */
export function refusalOf(error: unknown): OtlpRefusal {
  if (error instanceof OtlpRefusal) return error;
  if (error instanceof LogRefusal) return refusalOfLog(error);
  const { code, message } = toRpcError(error);
  const reason = code === "invalid_argument" ? "malformed" : code;
  return new OtlpRefusal(reason, code, message, { cause: error });
}

function refusalOfLog(error: LogRefusal): OtlpRefusal {
  const { reason, message } = error;
  return reason === "too-large"
    ? new OtlpRefusal("too_large", "resource_exhausted", message, { cause: error, httpStatus: 413 })
    : new OtlpRefusal(`log_${reason}`, "unavailable", message, { cause: error });
}

/** What the details of a status may be, for their JSON. */
export const STATUS_REGISTRY = createRegistry(RetryInfoSchema);

export function statusOf({ code, message, retryDelayMs }: OtlpRefusal): Status {
  const retry =
    retryDelayMs === undefined
      ? []
      : [create(RetryInfoSchema, { retryDelay: durationFromMs(retryDelayMs) })];
  return create(StatusSchema, {
    code: new RpcError(code, message).grpcStatus,
    message,
    details: retry.map((info) => anyPack(RetryInfoSchema, info)),
  });
}
