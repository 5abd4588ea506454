/** The server of phones: pages of links, profiles, and the watch page; over TLS where there is a certificate. */
import { createServer } from "node:https";

import type { KeyPair } from "@glassline/service/certificate";
import { checkAddresses, createHttpServer } from "@glassline/service/http";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";

import type { Assets } from "./assets.ts";
import { securityHeaders } from "./headers.ts";
import { mountLinks } from "./link-routes.ts";
import type { PageDeps } from "./pages.ts";
import { rateLimit, sendProblem } from "./pages.ts";
import { mountWatch } from "./watch-routes.ts";

const TIMEOUT_MS = 30_000;

export interface PageServer {
  server: FastifyInstance;
  /** New connections are shown this pair. */
  show(pair: KeyPair): void;
}

/** @param hosts by which phones may ask, beside those of loopback. @param pair undefined: HTTP without TLS. */
export function createPageServer(
  deps: PageDeps,
  assets: Assets,
  hosts: readonly string[],
  pair: KeyPair | undefined,
): PageServer {
  let show: PageServer["show"] = () => {};
  const server = createHttpServer(
    pair && {
      serverFactory: (handle) => {
        const tls = createServer({ ...pair, minVersion: "TLSv1.2" }, handle);
        // Fastify sets these on servers of its own only.
        tls.requestTimeout = TIMEOUT_MS;
        tls.setTimeout(TIMEOUT_MS);
        show = (next) => tls.setSecureContext({ ...next, minVersion: "TLSv1.2" });
        return tls as never;
      },
    },
  );
  const headers = securityHeaders(deps.isOverTls);
  server.addHook("onRequest", async (_request, reply) => void reply.headers(headers));
  checkAddresses(server, hosts);
  server.setNotFoundHandler((_request, reply) => sendProblem(reply, "no_page", deps));
  mountAssets(server, assets);
  void server.register(async (scope) => {
    scope.addHook("onRequest", rateLimit(deps));
    mountLinks(scope, deps);
    mountWatch(scope, deps);
  });
  return { server, show: (next) => show(next) };
}

function mountAssets(server: FastifyInstance, { all }: Assets): void {
  for (const { path, type, plain, zipped } of all)
    server.get(path, ({ headers }: FastifyRequest, reply: FastifyReply) => {
      const isZipped = /\bgzip\b/.test(headers["accept-encoding"] ?? "");
      void reply.headers({
        "content-type": type,
        "cache-control": "public, max-age=31536000, immutable",
        vary: "accept-encoding",
        ...(isZipped && { "content-encoding": "gzip" }),
      });
      return reply.send(isZipped ? zipped : plain);
    });
}
