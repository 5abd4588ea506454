/** The built page and its security headers. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

import fastifyStatic from "@fastify/static";
import { RpcError, jsonErrorBody } from "@glassline/proto/errors";
import { OperatorError } from "@glassline/service/errors";
import type { FastifyInstance } from "fastify";

const PAGE_DIRECTORY = fileURLToPath(new URL("../dist/", import.meta.url));

/** Addresses that the page itself knows; others are answered with the page and status 404. */
const PAGE_ROUTES = [
  "/",
  "/cameras/:id",
  "/mesh",
  "/traces",
  "/traces/:id",
  "/edges",
  "/ops",
  "/ops/incidents/:id",
] as const;

/**
 * Nothing from elsewhere but pictures of the edges, no framing, no sniffing.
 * @param mediaUrls where playlists and segments may be fetched from; the player shows them from memory (blob:).
 */
const securityHeaders = (mediaUrls: readonly string[]) => ({
  "content-security-policy": [
    "default-src 'self'",
    `connect-src 'self' ${mediaUrls.join(" ")}`.trim(),
    `media-src 'self' blob: ${mediaUrls.join(" ")}`.trim(),
    "img-src 'self' data:",
    "style-src 'self'",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; "),
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
});

/** Fails with OperatorError when the page is not built. */
export function checkPage(): void {
  if (!existsSync(`${PAGE_DIRECTORY}index.html`))
    throw new OperatorError("the page is not built. Run: npm run build -w @glassline/dashboard");
}

export async function servePage(
  server: FastifyInstance,
  mediaUrls: readonly string[],
): Promise<void> {
  const headers = securityHeaders(mediaUrls.map(originOf));
  server.addHook("onSend", async (_request, reply) => void reply.headers(headers));
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

/** Nothing but an origin comes into the policy. Throws OperatorError. */
function originOf(url: string): string {
  if (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)) return new URL(url).origin;
  throw new OperatorError(`--media-url: got ${JSON.stringify(url)}, expected http://HOST:PORT`);
}
