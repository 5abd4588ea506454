/** An edge before an origin, asked as viewers ask: by fetch, or byte by byte. */
import { once } from "node:events";
import { connect } from "node:net";

import { startEdge, startOrigin } from "./edge-cache.testing.ts";

export interface Got {
  status: number;
  headers: Headers;
  text: string;
  /** Of Cache-Status. */
  how: string;
}

/** @param words flags of the edge. */
export async function startBoth(
  answer: Parameters<typeof startOrigin>[0],
  words: readonly string[] = [],
) {
  await using stack = new AsyncDisposableStack();
  const origin = stack.use(await startOrigin(answer));
  const edge = stack.use(await startEdge(origin.url, words));
  const { port, adminPort } = edge.addresses;
  const base = `http://127.0.0.1:${port}`;
  const get = async (path: string, init: RequestInit = {}): Promise<Got> => {
    const response = await fetch(`${base}${path}`, init);
    const how = (response.headers.get("cache-status") ?? "").replace(/^.*"edge-1"; /, "");
    return { status: response.status, headers: response.headers, text: await response.text(), how };
  };
  /** Sum of the samples of a metric whose line begins so. */
  const metric = async (beginning: string): Promise<number> => {
    const text = await (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text();
    const lines = text.split("\n").filter((line) => line.startsWith(`glassline_${beginning}`));
    return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0);
  };
  const owned = stack.move();
  return {
    origin,
    base,
    port,
    adminPort,
    get,
    metric,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Sends text as it is. @returns all that comes until the connection ends, or nothing comes for a while. */
export async function raw(port: number, text: string): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  let got = "";
  socket.on("data", (chunk: Buffer) => (got += chunk.toString("latin1")));
  socket.on("error", () => {});
  socket.setTimeout(500, () => socket.destroy());
  socket.write(text, "latin1");
  await once(socket, "close");
  return got;
}
