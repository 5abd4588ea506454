/** Servers of node:http that listen, and end. */
import { lookup } from "node:dns/promises";
import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo, Server as NetServer } from "node:net";

import { listenError } from "./errors.ts";

/** Of node:net, and what is built on it. @param what it is, for messages. @returns the port that it got. Fails with OperatorError. */
export async function listenHttp(
  server: NetServer,
  what: string,
  host: string,
  port: number,
): Promise<number> {
  try {
    server.listen(port, (await lookup(host)).address);
    await once(server, "listening");
  } catch (error) {
    throw listenError(error, what, host, port);
  }
  return (server.address() as AddressInfo).port;
}

/** Takes no more connections, and cuts those that are there. */
export async function closeHttp(server: Server): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeAllConnections();
  await closed;
}
