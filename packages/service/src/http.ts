/** The HTTP side of an app: liveness, readiness, metrics, and its JSON API. Loopback; Host and Origin are checked. */
import { lookup } from "node:dns/promises";

import type { JsonRoute } from "@glassline/proto/json";
import { RpcError, jsonErrorBody, toRpcError } from "@glassline/proto/errors";
import type { FastifyInstance, FastifyReply, FastifyRequest, FastifyServerOptions } from "fastify";
import { fastify } from "fastify";

import type { ConnectionLimit } from "./connections.ts";
import { limitConnections } from "./connections.ts";
import { listenError } from "./errors.ts";
import type { Verdict } from "./guard.ts";
import { guardOf } from "./guard.ts";

const BODY_MAX_BYTES = 1_048_576;
const REQUEST_TIMEOUT_MS = 30_000;
/** A connection on which nothing has moved for so long is closed: also one whose reader does not read. */
const IDLE_TIMEOUT_MS = 30_000;
/** Before that: who waits for so long is told so. */
const ANSWER_MAX_MS = 25_000;

const buildNone = () => () => {
  throw new Error(
    "got a JSON schema of a route, expected none: requests are read by their Protobuf schema",
  );
};
/** Compilers of JSON schemas are not loaded: they take as much memory as the rest of fastify. */
const NO_SCHEMAS = { compilersFactory: { buildValidator: buildNone, buildSerializer: buildNone } };

/** A fastify server with our limits, whose own errors have the form of ours. */
export function createHttpServer(options: FastifyServerOptions = {}): FastifyInstance {
  const server = fastify({
    bodyLimit: BODY_MAX_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionTimeout: IDLE_TIMEOUT_MS,
    forceCloseConnections: true,
    frameworkErrors: answerError,
    schemaController: NO_SCHEMAS,
    ...options,
  }) as unknown as FastifyInstance;
  server.setErrorHandler(answerError);
  return server;
}

/** Bad JSON, a body that is too large, an address that cannot be decoded, and faults of our own. */
function answerError(
  { message, statusCode: status = 500 }: Error & { statusCode?: number },
  _request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const code =
    status === 413 ? "resource_exhausted" : status < 500 ? "invalid_argument" : "internal";
  return reply.code(status).send(jsonErrorBody(new RpcError(code, message)));
}

/** Refuses requests for another host, and from pages of another origin. @param moreHosts host names beside those of loopback. */
export function checkAddresses(server: FastifyInstance, moreHosts: readonly string[]): void {
  const guard = guardOf(moreHosts);
  server.addHook("onRequest", async ({ headers, protocol }, reply) => {
    const { refusal } = guard(headers.host ?? "", headers.origin, protocol);
    return refusal && reply.code(refusal.status).send(refusal.body);
  });
}

/** What is known of a request before its body is read. */
export interface Asked {
  /** As it was mounted, so that no way of spelling it is another one; undefined: nothing is there. */
  path: string | undefined;
  authorization: string | undefined;
  /** Of the other end of the connection. */
  address: string;
}

/** Whether a caller may ask for something. */
export type Authorize = (asked: Asked) => Verdict;

/** Asks at each request, before its body is read. */
export function checkCallers(server: FastifyInstance, authorize: Authorize): void {
  server.addHook("onRequest", async ({ headers, routeOptions, ip }, reply) => {
    const { authorization } = headers;
    const { fields, refusal } = authorize({ path: routeOptions.url, authorization, address: ip });
    for (const [name, value] of fields) void reply.header(name, value);
    return refusal && reply.code(refusal.status).send(refusal.body);
  });
}

/** Where something is posted, JSON in and out. */
export type PostRoute = Pick<JsonRoute, "path" | "handle">;

/**
 * Mounts JSON routes below a prefix.
 * @param answerMaxMs then the route's signal is aborted, with an error to be answered.
 */
export function mountJson(
  server: FastifyInstance,
  routes: readonly PostRoute[],
  prefix = "",
  answerMaxMs = ANSWER_MAX_MS,
): void {
  for (const route of routes) {
    server.post(`${prefix}${route.path}`, async (request, reply) => {
      const abort = new AbortController();
      reply.raw.once("close", () => abort.abort());
      const message = `${route.path}: no answer in ${answerMaxMs / 1_000} s; it may come when it is asked again`;
      const late = () => abort.abort(new RpcError("deadline_exceeded", message));
      const timer = setTimeout(late, answerMaxMs);
      try {
        const { authorization } = request.headers;
        return await route.handle(request.body, { signal: abort.signal, authorization });
      } catch (error) {
        // What was given up because it was late says so in many ways.
        const { reason } = abort.signal as { reason: unknown };
        const rpcError = toRpcError(reason instanceof RpcError ? reason : error);
        return reply.code(rpcError.httpStatus).send(jsonErrorBody(rpcError));
      } finally {
        clearTimeout(timer);
      }
    });
  }
}

/** An address that is served by the types of the Fetch standard. */
export interface FetchRoute {
  path: string;
  methods: readonly ("GET" | "POST" | "DELETE")[];
  bodyMaxBytes: number;
  /** The request's signal is aborted when the caller has gone. */
  fetch(request: Request): Promise<Response>;
}

/** Mounts routes that take and give what the Fetch standard has; bodies are handed on as they come. */
export function mountFetch(server: FastifyInstance, routes: readonly FetchRoute[]): void {
  void server.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser(
      "*",
      { parseAs: "buffer" },
      async (_: unknown, body: Buffer) => body,
    );
    for (const { path, methods, bodyMaxBytes: bodyLimit, fetch } of routes)
      scope.route({
        url: path,
        method: [...methods],
        bodyLimit,
        handler: async (request, reply) => reply.send(await fetch(requestOf(request, reply))),
      });
  });
}

function requestOf({ raw, body, url, host }: FastifyRequest, reply: FastifyReply): Request {
  const headers = new Headers();
  for (const [name, values] of Object.entries(raw.headersDistinct))
    for (const value of values ?? []) headers.append(name, value);
  const abort = new AbortController();
  reply.raw.once("close", () => abort.abort());
  return new Request(new URL(url, `http://${host}`), {
    method: raw.method ?? "GET",
    headers,
    signal: abort.signal,
    ...(Buffer.isBuffer(body) && { body: new Uint8Array(body) }),
  });
}

/** Unknown addresses in the same form as other errors. */
export function answerUnknownAsJson(server: FastifyInstance): void {
  server.setNotFoundHandler((request, reply) => {
    const message = `${request.method} ${request.url}: no such address`;
    return reply.code(404).send(jsonErrorBody(new RpcError("not_found", message)));
  });
}

/** Listens and gives the port. Fails with OperatorError. */
export async function listen(
  server: FastifyInstance,
  what: string,
  host: string,
  port: number,
  connections?: ConnectionLimit,
): Promise<number> {
  if (connections) limitConnections(server.server, connections);
  try {
    // One address, also of a name that has several: for "localhost" Fastify would open servers that have no limit.
    await server.listen({ host: (await lookup(host)).address, port });
  } catch (error) {
    throw listenError(error, what, host, port);
  }
  const address = server.server.address();
  return typeof address === "object" && address ? address.port : port;
}

export interface AdminServer extends AsyncDisposable {
  port: number;
}

/** Of the settings that every app has (options.ts). */
export interface AdminSettings {
  host: string;
  adminPort: number;
  allowedHost: readonly string[];
}

export interface AdminExtras {
  /** Why the app is not ready; undefined when it is. An app without this is ready once it has started. */
  unreadyReason?: () => string | undefined;
  routes?: readonly PostRoute[];
  /** An app without this lets everybody ask for everything that it has. */
  authorize?: Authorize;
  fetchRoutes?: readonly FetchRoute[];
  /** Served at /openapi.json. */
  openApi?: object;
  connections?: ConnectionLimit;
}

/** What /metrics shows. */
export interface Exposition {
  readonly contentType: string;
  metrics(): Promise<string>;
}

/** /livez, /readyz, /metrics, /openapi.json and the JSON routes of an app. */
export async function startAdmin(
  { host, adminPort, allowedHost }: AdminSettings,
  registry: Exposition,
  {
    unreadyReason,
    routes = [],
    fetchRoutes = [],
    authorize,
    openApi,
    connections,
  }: AdminExtras = {},
): Promise<AdminServer> {
  const server = createHttpServer();
  checkAddresses(server, allowedHost);
  if (authorize) checkCallers(server, authorize);
  answerUnknownAsJson(server);
  server.get("/livez", async () => ({ status: "ok" }));
  server.get("/readyz", async (_request, reply) => {
    const reason = unreadyReason?.();
    return reason === undefined
      ? { status: "ok" }
      : reply.code(503).send({ status: "not ready", reason });
  });
  server.get("/metrics", async (_request, reply) =>
    reply.header("content-type", registry.contentType).send(await registry.metrics()),
  );
  if (openApi) server.get("/openapi.json", async () => openApi);
  mountJson(server, routes);
  mountFetch(server, fetchRoutes);
  const port = await listen(server, "admin HTTP", host, adminPort, connections);
  return { port, [Symbol.asyncDispose]: () => server.close() };
}
