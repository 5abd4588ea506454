/** A relay on loopback that hands on bytes and counts them: what TCP carries, framing and TLS included, headers of IP and TCP not. */
import type { AddressInfo, Socket } from "node:net";
import { connect, createServer } from "node:net";

export interface CountingRelay extends AsyncDisposable {
  port: number;
  /** To the target, and from it, over all connections so far. */
  counts(): { toTarget: number; fromTarget: number };
}

export async function startRelay(targetPort: number): Promise<CountingRelay> {
  let [toTarget, fromTarget] = [0, 0];
  const sockets = new Set<Socket>();
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    // The other side is ended by the pipe.
    socket.on("error", () => socket.destroy());
    socket.on("close", () => sockets.delete(socket));
  };
  const server = createServer((client) => {
    const target = connect(targetPort, "127.0.0.1");
    keep(client);
    keep(target);
    client.on("data", ({ length }) => (toTarget += length));
    target.on("data", ({ length }) => (fromTarget += length));
    client.pipe(target).pipe(client);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    counts: () => ({ toTarget, fromTarget }),
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
