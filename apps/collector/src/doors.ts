/** The ports by which others come in. */
import type { ConnectionLimit } from "@glassline/service/connections";
import { listenGrpc } from "@glassline/service/grpc";
import { listen } from "@glassline/service/http";
import type * as grpc from "@grpc/grpc-js";
import type { FastifyInstance } from "fastify";

import type { CollectorConfig } from "./config.ts";

export const DOOR_NAMES = ["otqmn", "balancer", "otlp_grpc", "otlp_http"] as const;
export type DoorName = (typeof DOOR_NAMES)[number];

export interface Door {
  name: DoorName;
  /** For people. */
  what: string;
  host: string;
  port: number;
}

/** Connections that come by a door reach its server: because it listens, or because another process hands them on. */
export interface Doors {
  /** @returns the port. */
  grpc(door: Door, server: grpc.Server, credentials: grpc.ServerCredentials): Promise<number>;
  /** @returns the port. */
  http(door: Door, server: FastifyInstance): Promise<number>;
}

export type LimitOf = (door: DoorName) => ConnectionLimit;

/** Those of one process: it listens. Fail with OperatorError. */
export function listening(limitOf: LimitOf): Doors {
  return {
    grpc: ({ name, what, host, port }, server, credentials) =>
      listenGrpc(server, what, host, port, credentials, limitOf(name)),
    http: ({ name, what, host, port }, server) => listen(server, what, host, port, limitOf(name)),
  };
}

/** Whether anybody may send OTLP at all. */
export const takesOtlp = ({ otlpToken, otlpOpen }: CollectorConfig): boolean =>
  otlpToken !== "" || otlpOpen;

/** Those that are to be open. */
export function openDoors(config: CollectorConfig): Partial<Record<DoorName, Door>> {
  const { host, otlpProtocols } = config;
  const otlpHost = config.otlpHost || host;
  const otlp = takesOtlp(config);
  return {
    otqmn: door("otqmn", "OTQMN and query gRPC (--port)", host, config.port),
    ...(config.loadBalancer.length > 0 && {
      balancer: door(
        "balancer",
        "OTQMN behind load balancers (--balancer-port)",
        host,
        config.balancerPort,
      ),
    }),
    ...(otlp &&
      otlpProtocols !== "http" && {
        otlp_grpc: door("otlp_grpc", "OTLP/gRPC (--otlp-grpc-port)", otlpHost, config.otlpGrpcPort),
      }),
    ...(otlp &&
      otlpProtocols !== "grpc" && {
        otlp_http: door("otlp_http", "OTLP/HTTP (--otlp-http-port)", otlpHost, config.otlpHttpPort),
      }),
  };
}

function door(name: DoorName, what: string, host: string, port: number): Door {
  return { name, what, host, port };
}
