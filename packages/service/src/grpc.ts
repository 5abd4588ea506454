import * as grpc from "@grpc/grpc-js";

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

/** Listens and gives the port. Fails with OperatorError. */
export function listenGrpc(
  server: grpc.Server,
  what: string,
  host: string,
  port: number,
  credentials: grpc.ServerCredentials,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const name = host.includes(":") ? `[${host}]` : host; // IPv6
    server.bindAsync(`${name}:${port}`, credentials, (error, bound) => {
      if (error) reject(listenError(error, what, host, port));
      else resolve(bound);
    });
  });
}

/** Lets calls end by themselves for so long, then cuts them. */
export function closeGrpc(server: grpc.Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.forceShutdown(), graceMs);
    server.tryShutdown(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
