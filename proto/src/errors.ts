/**
 * Errors of a remote call, in the canonical codes that gRPC and the Connect protocol share.
 * Source: https://connectrpc.com/docs/protocol/#error-codes
 */
const CODES = {
  canceled: { grpc: 1, http: 499 },
  unknown: { grpc: 2, http: 500 },
  invalid_argument: { grpc: 3, http: 400 },
  deadline_exceeded: { grpc: 4, http: 504 },
  not_found: { grpc: 5, http: 404 },
  already_exists: { grpc: 6, http: 409 },
  permission_denied: { grpc: 7, http: 403 },
  resource_exhausted: { grpc: 8, http: 429 },
  failed_precondition: { grpc: 9, http: 400 },
  aborted: { grpc: 10, http: 409 },
  out_of_range: { grpc: 11, http: 400 },
  unimplemented: { grpc: 12, http: 501 },
  internal: { grpc: 13, http: 500 },
  unavailable: { grpc: 14, http: 503 },
  data_loss: { grpc: 15, http: 500 },
  unauthenticated: { grpc: 16, http: 401 },
} as const;

export type RpcCode = keyof typeof CODES;

export class RpcError extends Error {
  override readonly name = "RpcError";
  readonly code: RpcCode;

  constructor(code: RpcCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }

  get grpcStatus(): number {
    return CODES[this.code].grpc;
  }

  get httpStatus(): number {
    return CODES[this.code].http;
  }
}

/** The canonical code of a gRPC status number (0-16); "unknown" for any other number. */
export function rpcCodeOfGrpc(status: number): RpcCode {
  const entry = Object.entries(CODES).find(([, { grpc }]) => grpc === status);
  return (entry?.[0] as RpcCode | undefined) ?? "unknown";
}

/** The canonical code named by an error body of the Connect protocol; "unknown" for any other text. */
export function rpcCodeOfName(name: unknown): RpcCode {
  return typeof name === "string" && name in CODES ? (name as RpcCode) : "unknown";
}

/** Any thrown value as an RpcError; what is not one already is a bug of the callee and becomes "internal". */
export function toRpcError(error: unknown): RpcError {
  if (error instanceof RpcError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new RpcError("internal", message, { cause: error });
}

/** The body of an error response in JSON. */
export function jsonErrorBody(error: RpcError): { code: string; message: string } {
  return { code: error.code, message: error.message };
}
