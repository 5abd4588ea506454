/** The page's server: static files, and the JSON API that the page asks. Changes nothing. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

import fastifyStatic from "@fastify/static";
import { DashboardService } from "@glassline/proto/dashboard";
import { RpcError, toRpcError } from "@glassline/proto/errors";
import type { UnaryMethods } from "@glassline/proto/json";
import { jsonErrorBody, jsonRoutes } from "@glassline/proto/json";
import { QueryService } from "@glassline/proto/query";
import type { Client } from "@glassline/proto/rpc";
import { createClient } from "@glassline/proto/rpc";
import type { AppDeps } from "@glassline/service/app";
import { OperatorError } from "@glassline/service/errors";
import { GRPC_LIMITS, RECONNECT_OPTIONS } from "@glassline/service/grpc";
import {
  answerErrorsAsJson,
  checkAddresses,
  createHttpServer,
  listen,
  mountJson,
  startAdmin,
} from "@glassline/service/http";
import { TLS_CHANNEL_OPTIONS, mutualTlsClient } from "@glassline/service/tls";
import type { FastifyInstance } from "fastify";

import type { DashboardConfig } from "./config.ts";
import { createOverview } from "./overview.ts";

const QUERY_TIMEOUT_MS = 10_000;
const PAGE_DIRECTORY = fileURLToPath(new URL("../dist/", import.meta.url));

/** Addresses that the page itself knows; others are answered with the page and status 404. */
const PAGE_ROUTES = ["/", "/cameras/:id", "/mesh", "/traces", "/traces/:id"] as const;

/** Nothing from elsewhere, no framing, no sniffing. */
const SECURITY_HEADERS = {
  "content-security-policy":
    "default-src 'self'; img-src 'self' data:; style-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
} as const;

export interface Dashboard extends AsyncDisposable {
  addresses: { port: number; adminPort: number; url: string };
}

export async function startDashboard(config: DashboardConfig, deps: AppDeps): Promise<Dashboard> {
  const collector = config.collector[0];
  if (!collector)
    throw new OperatorError(
      "--collector: got none, expected NAME=HOST:PORT of the collector that answers queries.",
    );
  if (!existsSync(`${PAGE_DIRECTORY}index.html`)) {
    throw new OperatorError("the page is not built. Run: npm run build -w @glassline/dashboard");
  }
  await using stack = new AsyncDisposableStack();
  const overview = stack.use(createOverview(config, deps.identity, deps.clock));
  const credentials = mutualTlsClient(deps.identity, "collector", collector.name);
  const client = stack.use(
    createClient(QueryService, `${collector.host}:${collector.port}`, credentials, {
      ...GRPC_LIMITS,
      ...TLS_CHANNEL_OPTIONS,
      "grpc.max_receive_message_length": 67_108_864,
      ...RECONNECT_OPTIONS,
    }),
  );

  const server = createHttpServer({ routerOptions: { ignoreTrailingSlash: true } });
  checkAddresses(server, config.allowedHost);
  answerErrorsAsJson(server);
  server.addHook("onSend", async (_request, reply) => void reply.headers(SECURITY_HEADERS));
  mountJson(server, jsonRoutes(QueryService, passedOn(client)), "/api");
  mountJson(server, jsonRoutes(DashboardService, { getOverview: () => overview.get() }), "/api");
  await servePage(server);
  const port = await listen(server, "the dashboard (--port)", config.host, config.port);
  stack.defer(() => server.close());

  const admin = stack.use(await startAdmin(config, deps.metrics.registry));
  const parts = stack.move();
  const name = config.host === "127.0.0.1" ? "localhost" : config.host;
  return {
    addresses: { port, adminPort: admin.port, url: `http://${name}:${port}/` },
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

/** The collector's answers, with a time limit. */
function passedOn(client: Client<typeof QueryService>): UnaryMethods<typeof QueryService> {
  const options = ({ signal }: { signal: AbortSignal }) => ({
    signal,
    timeoutMs: QUERY_TIMEOUT_MS,
  });
  const told = <T>(answer: Promise<T>) =>
    answer.catch((error: unknown) => {
      const { code, message } = toRpcError(error);
      // What the transport says is of no use to a reader.
      const isAway = code === "unavailable" && /connect/i.test(message);
      throw isAway
        ? new RpcError("unavailable", "the collector does not answer", { cause: error })
        : error;
    });
  return {
    listCameras: (request, context) => told(client.listCameras(request, options(context))),
    getLatest: (request, context) => told(client.getLatest(request, options(context))),
    queryRange: (request, context) => told(client.queryRange(request, options(context))),
    listTraces: (request, context) => told(client.listTraces(request, options(context))),
    getTrace: (request, context) => told(client.getTrace(request, options(context))),
    getStatus: (request, context) => told(client.getStatus(request, options(context))),
  };
}

async function servePage(server: FastifyInstance): Promise<void> {
  await server.register(fastifyStatic, {
    root: PAGE_DIRECTORY,
    index: false,
    setHeaders: (reply, path) => {
      const isHashed = path.includes("/assets/");
      void reply.header(
        "cache-control",
        isHashed ? "public, max-age=31536000, immutable" : "no-cache",
      );
    },
  });
  for (const route of PAGE_ROUTES)
    server.get(route, (_request, reply) => reply.sendFile("index.html"));
  server.setNotFoundHandler((request, reply) => {
    const isPage =
      request.method === "GET" &&
      !request.url.startsWith("/api/") &&
      !request.url.startsWith("/assets/");
    if (isPage) return reply.code(404).sendFile("index.html");
    const message = `${request.method} ${request.url}: no such address`;
    return reply.code(404).send(jsonErrorBody(new RpcError("not_found", message)));
  });
}
