/**
 * Published ports within a container: OpsBot looks at edges by their public URLs, as viewers do, and these name the host's localhost.
 * Loaded by compose.yaml before an app: PUBLISHED_PORTS="node-agent:7471 node-agent:7472" leads localhost:7471 to node-agent:7471.
 */
import type { AddressInfo, Server } from "node:net";
import { connect, createServer } from "node:net";
import { pipeline } from "node:stream";

export interface Published {
  host: string;
  port: number;
}

export function parsePublished(words: string): Published[] {
  return words
    .split(" ")
    .filter((word) => word !== "")
    .map((word) => {
      const match = /^([a-z0-9.-]+):(\d+)$/.exec(word);
      if (!match) throw new Error(`got ${JSON.stringify(word)}, expected HOST:PORT`);
      return { host: match[1]!, port: Number(match[2]) };
    });
}

/** Keeps no process from ending. The host's address is looked up for each connection, so it may start anew elsewhere. */
export function publish({ host, port }: Published, at = port): Server {
  // Half open: whoever has said all may still be answered.
  const server = createServer({ allowHalfOpen: true }, (near) => {
    const far = connect({ host, port, allowHalfOpen: true });
    near.unref();
    far.unref();
    // When one side fails, so does the other.
    pipeline(near, far, near, () => {});
  });
  return server.listen(at, "127.0.0.1").unref();
}

export const portOf = (server: Server): number => (server.address() as AddressInfo).port;

for (const one of parsePublished(process.env["PUBLISHED_PORTS"] ?? "")) publish(one);
