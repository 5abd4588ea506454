import { once } from "node:events";
import type { AddressInfo, Server, Socket } from "node:net";
import { createServer } from "node:net";

import * as grpc from "@grpc/grpc-js";

import type { ConnectionLimit } from "./connections.ts";
import { limitConnections } from "./connections.ts";
import { listenError } from "./errors.ts";

// What grpc-js writes to the terminal by itself is told by our own errors.
grpc.setLogVerbosity(grpc.logVerbosity.NONE);

/** Channel and server limits for all our streams. */
export const GRPC_LIMITS: grpc.ChannelOptions = {
  "grpc.max_receive_message_length": 8_388_608,
  "grpc.max_send_message_length": 8_388_608,
  "grpc.keepalive_time_ms": 10_000,
  "grpc.keepalive_timeout_ms": 5_000,
};

/** For clients that stay: a peer that comes back is seen within about this time. */
export const RECONNECT_OPTIONS: grpc.ChannelOptions = {
  "grpc.initial_reconnect_backoff_ms": 200,
  "grpc.max_reconnect_backoff_ms": 1_000,
};

interface Listener {
  server: Server;
  sockets: Set<Socket>;
}

/** Of our servers. grpc-js has no limit for connections, so it is given each one. */
const listeners = new WeakMap<grpc.Server, Listener>();

/** Listens, at one port a server, and gives the port. Fails with OperatorError. */
export async function listenGrpc(
  server: grpc.Server,
  what: string,
  host: string,
  port: number,
  credentials: grpc.ServerCredentials,
  connections?: ConnectionLimit,
): Promise<number> {
  const injector = server.createConnectionInjector(credentials);
  const listener = createServer();
  const sockets = new Set<Socket>();
  if (connections) limitConnections(listener, connections);
  listener.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    injector.injectConnection(socket);
  });
  listeners.set(server, { server: listener, sockets });
  try {
    listener.listen(port, host);
    await once(listener, "listening");
  } catch (error) {
    throw listenError(error, what, host, port);
  }
  return (listener.address() as AddressInfo).port;
}

/** Lets calls end by themselves for so long, then cuts them. */
export function closeGrpc(server: grpc.Server, graceMs: number): Promise<void> {
  const listener = listeners.get(server);
  listener?.server.close();
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.forceShutdown(), graceMs);
    server.tryShutdown(() => {
      clearTimeout(timer);
      // Those that never became sessions.
      listener?.sockets.forEach((socket) => socket.destroy());
      resolve();
    });
  });
}
