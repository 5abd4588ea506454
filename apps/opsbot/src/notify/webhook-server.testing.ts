/** Real HTTP and HTTPS servers that are told something, and answer as a test wishes. */
import type { IncomingHttpHeaders, ServerResponse } from "node:http";
import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { Socket } from "node:net";
import { createServer as createRawServer } from "node:net";

import { closeHttp, listenHttp } from "@glassline/service/listen-http";

export interface Heard {
  path: string | undefined;
  headers: IncomingHttpHeaders;
  body: string;
}

export interface WebhookServer extends AsyncDisposable {
  /** Without a path. */
  url: string;
  port: number;
  /** In the order in which they came, whole. */
  heard: Heard[];
}

/** How one message is answered. */
export type Answering = (response: ServerResponse) => void;

export const fine: Answering = (response) => void response.end("ok");
/** @param status without a body. */
export const withStatus =
  (status: number, headers: Record<string, string> = {}): Answering =>
  (response) =>
    void response.writeHead(status, headers).end();

export interface WebhookServerOptions {
  port?: number;
  /** PEM; without it, it speaks no TLS. */
  tls?: { cert: string; key: string };
}

/** @param answering of the first message, the second, ...; those that come later are fine. */
export async function startWebhookServer(
  answering: readonly Answering[] = [],
  { port: wished = 0, tls }: WebhookServerOptions = {},
): Promise<WebhookServer> {
  const heard: Heard[] = [];
  const server = tls ? createTlsServer(tls) : createServer();
  server.on("request", (request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { url: path, headers } = request;
      heard.push({ path, headers, body: Buffer.concat(chunks).toString() });
      (answering[heard.length - 1] ?? fine)(response);
    });
  });
  const port = await listenHttp(server, "a webhook", "127.0.0.1", wished);
  return {
    url: `${tls ? "https" : "http"}://localhost:${port}`,
    port,
    heard,
    [Symbol.asyncDispose]: () => closeHttp(server),
  };
}

/** One that does not speak HTTP. @param talk what it does with a connection. */
export async function startRawServer(
  talk: (socket: Socket) => void,
): Promise<{ url: string; connections: () => number } & AsyncDisposable> {
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createRawServer((socket) => {
    connections++;
    sockets.add(socket);
    socket.on("error", () => {});
    talk(socket);
  });
  const port = await listenHttp(server, "a webhook", "127.0.0.1", 0);
  return {
    url: `http://localhost:${port}`,
    connections: () => connections,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
