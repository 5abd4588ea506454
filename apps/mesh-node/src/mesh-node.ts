/** A mesh node: links and routes; a gateway where cameras attach; an egress where a collector is near. */
import { CameraGatewayService } from "@glassline/proto/camera";
import { jsonRoutes } from "@glassline/proto/json";
import { MeshAdminService, MeshLinkService } from "@glassline/proto/mesh";
import { openApi } from "@glassline/proto/openapi";
import type { Implementation } from "@glassline/proto/rpc";
import { addService } from "@glassline/proto/rpc";
import { backoff } from "@glassline/service/backoff";
import type { AppDeps } from "@glassline/service/app";
import { GRPC_LIMITS, closeGrpc, listenGrpc } from "@glassline/service/grpc";
import { startAdmin } from "@glassline/service/http";
import { mutualTlsServer } from "@glassline/service/tls";
import * as grpc from "@grpc/grpc-js";

import type { MeshNodeConfig } from "./config.ts";
import type { Egress } from "./egress.ts";
import { createEgress } from "./egress.ts";
import type { Gateway } from "./gateway/gateway.ts";
import { startGateway } from "./gateway/gateway.ts";
import { adminService } from "./administration.ts";
import { DIALLING, keepLink } from "./links/keep-link.ts";
import type { OpenLinks } from "./links/open-links.ts";
import { openLinks } from "./links/open-links.ts";
import { registerLinkMetrics } from "./link-metrics.ts";
import { meshMetrics } from "./metrics.ts";
import type { Router } from "./router.ts";
import { createRouter } from "./router.ts";

const VERSION = "0.1.0";
const GRACE_MS = 500;

export interface MeshNode extends AsyncDisposable {
  addresses: { port: number; adminPort: number };
}

interface Parts {
  router: Router;
  egress: Egress | undefined;
  gateway: Gateway | undefined;
}

export async function startMeshNode(config: MeshNodeConfig, deps: AppDeps): Promise<MeshNode> {
  await using stack = new AsyncDisposableStack();
  const metrics = meshMetrics(deps.metrics);
  const tracer = deps.tracerProvider.getTracer("mesh-node");
  const router = stack.use(createRouter({ ...deps, node: config.name, metrics, tracer }));
  registerLinkMetrics(deps.metrics, router);
  const egress =
    config.collector === ""
      ? undefined
      : stack.use(
          createEgress({
            ...deps,
            ...config,
            router,
            metrics,
            toOwnGateway: (data) => gateway?.arrive(data),
          }),
        );
  const gateway = config.gateway
    ? stack.use(await startGateway(config, { ...deps, metrics, tracer, router }))
    : undefined;

  router.onArrival((data) => {
    // Both ends of a circuit may be here: what this node has sent to itself is for its egress.
    if (data.source === config.name || !gateway?.arrive(data)) egress?.arrive(data);
  });
  router.onRoutes(() => {
    gateway?.routesChanged();
  });

  const parts = { router, egress, gateway };
  const admin = adminService({ ...parts, node: config.name, metrics });
  const links = await openLinks(config, { ...deps, router, metrics }, stack);
  const port = await startGrpc(config, deps, parts, { admin, links }, stack);
  dialPeers(config, deps, links, stack);
  const http = stack.use(
    await startAdmin(config, deps.metrics.registry, {
      routes: jsonRoutes(MeshAdminService, admin),
      openApi: openApi("Glassline mesh node", VERSION, [MeshAdminService]),
    }),
  );
  const owned = stack.move();
  return {
    addresses: { port, adminPort: http.port },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function startGrpc(
  config: MeshNodeConfig,
  { identity }: AppDeps,
  { gateway }: Parts,
  { admin, links }: { admin: Implementation<typeof MeshAdminService>; links: OpenLinks },
  stack: AsyncDisposableStack,
): Promise<number> {
  const server = new grpc.Server(GRPC_LIMITS);
  if (links.service) addService(server, MeshLinkService, links.service);
  addService(server, MeshAdminService, admin);
  if (gateway) addService(server, CameraGatewayService, gateway.implementation);
  const port = await listenGrpc(
    server,
    "mesh gRPC (--port)",
    config.host,
    config.port,
    mutualTlsServer(identity),
  );
  stack.defer(() => closeGrpc(server, GRACE_MS));
  return port;
}

function dialPeers(
  config: MeshNodeConfig,
  deps: AppDeps,
  { dial }: OpenLinks,
  stack: AsyncDisposableStack,
): void {
  const stop = new AbortController();
  stack.defer(() => stop.abort());
  for (const peer of config.peer) {
    const keep = {
      ...deps,
      dial,
      backoff: backoff({ ...DIALLING, random: deps.random }),
      failed: (reason: string) => deps.logger.debug({ neighbour: peer.name, reason }, "no link"),
    };
    void keepLink(peer, keep, stop.signal);
  }
}
