/** The servers of administration: gRPC, and HTTP for health, metrics and the same service as JSON. */
import { EdgeCacheService } from "@glassline/proto/edge";
import { jsonRoutes } from "@glassline/proto/json";
import { openApi } from "@glassline/proto/openapi";
import { addService } from "@glassline/proto/rpc";
import type { AppDeps } from "@glassline/service/app";
import { GRPC_LIMITS, closeGrpc, listenGrpc } from "@glassline/service/grpc";
import { startAdmin } from "@glassline/service/http";
import { mutualTlsServer } from "@glassline/service/tls";
import * as grpc from "@grpc/grpc-js";

import type { AdminDeps } from "./admin.ts";
import { adminService } from "./admin.ts";
import type { EdgeCacheConfig } from "./config.ts";

const VERSION = "0.1.0";
const GRACE_MS = 500;

/** @param stack that ends them. */
export async function startAdministration(
  config: EdgeCacheConfig,
  { identity, metrics, stopping }: AppDeps,
  adminDeps: AdminDeps,
  stack: AsyncDisposableStack,
): Promise<{ grpcPort: number; adminPort: number }> {
  const admin = adminService(adminDeps);
  const server = new grpc.Server(GRPC_LIMITS);
  addService(server, EdgeCacheService, admin);
  const credentials = mutualTlsServer(identity);
  const grpcPort = await listenGrpc(
    server,
    "gRPC (--grpc-port)",
    config.host,
    config.grpcPort,
    credentials,
  );
  stack.defer(() => closeGrpc(server, GRACE_MS));
  const http = stack.use(
    await startAdmin(config, metrics.registry, {
      routes: jsonRoutes(EdgeCacheService, admin),
      openApi: openApi("Glassline edge cache", VERSION, [EdgeCacheService]),
      unreadyReason: () => (stopping.aborted ? "it stops: viewers are served on" : undefined),
    }),
  );
  return { grpcPort, adminPort: http.port };
}
