/** How many connections a port takes: what comes beyond is closed at once, and counted. */
import type { Server, Socket } from "node:net";

export interface ConnectionLimit {
  max: number;
  /** For a gauge. */
  openChanged(open: number): void;
  /** For a counter. */
  refused(): void;
}

/** Before the server listens. Connections count from the first packet on, whether or not TLS follows. */
export function limitConnections(
  server: Server,
  { max, openChanged, refused }: ConnectionLimit,
): void {
  let open = 0;
  server.maxConnections = max;
  server.on("connection", (socket: Socket) => {
    openChanged(++open);
    socket.once("close", () => openChanged(--open));
  });
  server.on("drop", refused);
}
