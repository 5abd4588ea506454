/**
 * JSON over HTTP from the same descriptors: unary calls of the Connect protocol, so that curl, fetch and connect-es clients
 * can all speak it. Runs in a browser too. Source: https://connectrpc.com/docs/protocol/#unary-request
 */
import type {
  DescMethod,
  DescService,
  JsonValue,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import { create, fromJson, toJson } from "@bufbuild/protobuf";

import type { Answer } from "./encoded.ts";
import { decoded } from "./encoded.ts";
import { RpcError, rpcCodeOfName } from "./errors.ts";

type Methods<S extends DescService> = S["method"];

/** The unary methods of an implementation or a client: all that JSON over HTTP can carry. */
export type UnaryMethods<S extends DescService> = {
  [K in keyof Methods<S> as Methods<S>[K]["methodKind"] extends "unary" ? K : never]: (
    request: MessageShape<Methods<S>[K]["input"]>,
    context: JsonContext,
  ) => Promise<Answer<Methods<S>[K]["output"]>>;
};

/** What is known of the caller. */
export interface JsonContext {
  /** Aborted when the caller has gone. */
  signal: AbortSignal;
  /** What the caller shows to be let in; undefined: nothing. */
  authorization?: string | undefined;
}

export interface JsonRoute {
  /** "/package.Service/Method"; the verb is POST. */
  path: string;
  method: DescMethod;
  /** Body in, body out. Throws RpcError. */
  handle(body: unknown, context: JsonContext): Promise<JsonValue>;
}

/** One route a unary method of the service. */
export function jsonRoutes<S extends DescService>(
  service: S,
  methods: UnaryMethods<S>,
): JsonRoute[] {
  return service.methods
    .filter((method) => method.methodKind === "unary")
    .map((method) => ({
      path: `/${service.typeName}/${method.name}`,
      method,
      handle: async (body, context) => {
        const call = (
          methods as Record<string, (request: unknown, context: JsonContext) => Promise<never>>
        )[method.localName]!;
        const response = await call(parseRequest(method, body), context);
        return toJson(method.output, decoded(method.output, response), {
          alwaysEmitImplicit: true,
        });
      },
    }));
}

function parseRequest(method: DescMethod, body: unknown) {
  try {
    return fromJson(method.input, (body ?? {}) as JsonValue);
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    throw new RpcError("invalid_argument", `${method.input.typeName}: ${detail}`, { cause: error });
  }
}

export type JsonClient<S extends DescService> = {
  [K in keyof Methods<S> as Methods<S>[K]["methodKind"] extends "unary" ? K : never]: (
    request?: MessageInitShape<Methods<S>[K]["input"]>,
    signal?: AbortSignal,
  ) => Promise<MessageShape<Methods<S>[K]["output"]>>;
};

/** A client for a page: `baseUrl` without a trailing slash, e.g. "/api". Fails with RpcError, "unavailable" when nobody answers. */
export function jsonClient<S extends DescService>(
  service: S,
  baseUrl: string,
  send = globalThis.fetch,
): JsonClient<S> {
  const calls = service.methods
    .filter((method) => method.methodKind === "unary")
    .map((method) => [
      method.localName,
      async (request: MessageInitShape<typeof method.input> = {}, signal?: AbortSignal) => {
        const body = JSON.stringify(toJson(method.input, create(method.input, request)));
        const headers = { "content-type": "application/json", "connect-protocol-version": "1" };
        const url = `${baseUrl}/${service.typeName}/${method.name}`;
        const response = await send(url, {
          method: "POST",
          headers,
          body,
          ...(signal && { signal }),
        }).catch((error: unknown) => {
          if (signal?.aborted) throw error;
          throw new RpcError("unavailable", `${url}: no answer`, { cause: error });
        });
        const answer: unknown = await response.json().catch(() => undefined);
        if (!response.ok) throw errorOf(url, response.status, answer);
        return fromJson(method.output, answer as JsonValue, { ignoreUnknownFields: true });
      },
    ]);
  return Object.fromEntries(calls) as JsonClient<S>;
}

function errorOf(url: string, status: number, answer: unknown): RpcError {
  const { code, message } = (answer ?? {}) as { code?: unknown; message?: unknown };
  return new RpcError(
    rpcCodeOfName(code),
    typeof message === "string" ? message : `${url}: HTTP status ${status}`,
  );
}
