/** Free ports below the range from which systems take ports for outgoing connections (32,768 on Linux). */
import { once } from "node:events";
import { createServer } from "node:net";

const LEAST_PORT = 20_000;
const PORTS = 12_000;
const TRIES = 100;

/** Given to nobody twice, even if the first one has not listened yet. */
const given = new Set<number>();

export async function freePort(): Promise<number> {
  for (let tries = 0; tries < TRIES; tries++) {
    const port = LEAST_PORT + Math.floor(Math.random() * PORTS);
    if (given.has(port) || !(await isFree(port))) continue;
    given.add(port);
    return port;
  }
  throw new Error(`free port: got none in ${TRIES} tries, expected one from ${LEAST_PORT} on`);
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  server.listen({ port, host: "127.0.0.1", exclusive: true });
  try {
    await once(server, "listening");
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}
