/** A server that looks like an edge with a live channel, for tests: its segments are there when their time has come. */
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";

const SEGMENT_MS = 1_000;
const SEGMENTS = 6;
const SEGMENT_BYTES = 40_000;

export interface TestChannel extends AsyncDisposable {
  url: string;
  /** What came: paths with queries, in order. */
  asked: string[];
}

export interface ChannelOptions {
  /** Begins the addresses of segments: "http://elsewhere/". */
  segmentsAt?: string;
  /** Undefined: answers as it should. Otherwise it has answered. */
  answer?: (request: IncomingMessage, response: ServerResponse) => true | undefined;
  /** PEM; undefined: without TLS. */
  tls?: { cert: string; key: string };
}

export const CHANNEL_PATH = "/live/c/index.m3u8";

export async function startChannel(options: ChannelOptions = {}): Promise<TestChannel> {
  const { segmentsAt = "", answer = () => undefined, tls } = options;
  const asked: string[] = [];
  const listener = (request: IncomingMessage, response: ServerResponse) => {
    const { url = "/" } = request;
    asked.push(url);
    if (answer(request, response)) return;
    response.setHeader("cache-status", '"test"; hit; ttl=1');
    const { pathname } = new URL(url, "http://channel");
    if (pathname === CHANNEL_PATH) response.end(MULTIVARIANT);
    else if (pathname === "/live/c/v.m3u8") response.end(playlistNow(segmentsAt));
    else if (pathname.endsWith(".m4s")) response.end(Buffer.alloc(SEGMENT_BYTES));
    else response.writeHead(404).end();
  };
  const server = tls ? createSecureServer(tls, listener) : createServer(listener);
  server.listen(0, "localhost");
  await once(server, "listening");
  return {
    url: `${tls ? "https" : "http"}://localhost:${(server.address() as AddressInfo).port}`,
    asked,
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

const MULTIVARIANT = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1000000\nv.m3u8\n";

function playlistNow(segmentsAt: string): string {
  const next = Math.floor(Date.now() / SEGMENT_MS);
  const numbers = Array.from({ length: SEGMENTS }, (_, at) => next - SEGMENTS + at);
  return [
    "#EXTM3U",
    `#EXT-X-TARGETDURATION:${SEGMENT_MS / 1_000}`,
    `#EXT-X-MEDIA-SEQUENCE:${numbers[0]}`,
    ...numbers.map((number) => `#EXTINF:${SEGMENT_MS / 1_000},\n${segmentsAt}${number}.m4s`),
    "",
  ].join("\n");
}
