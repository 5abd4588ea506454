/** Servers of node:http that listen, and end. */
import { lookup } from "node:dns/promises";
import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo, Server as NetServer } from "node:net";

import { OperatorError, listenError } from "./errors.ts";

/** Where a server listens. */
export interface ListenAddress {
  /** Which flag says so. */
  flag: string;
  host: string;
  port: number;
}

/** "0.0.0.0:443", "[::]:443". Throws OperatorError. */
export function listenAddressOf(flag: string, text: string): ListenAddress {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text);
  if (!match || Number(match[3]) > 65_535)
    throw new OperatorError(`${flag}: got ${JSON.stringify(text)}, expected HOST:PORT`);
  return { flag, host: match[1] ?? match[2]!, port: Number(match[3]) };
}

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
