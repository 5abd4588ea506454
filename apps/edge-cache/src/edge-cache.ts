/** An edge cache: HTTP for viewers in front, one origin behind, administration beside. */
import { EdgeCacheService } from "@glassline/proto/edge";
import { jsonRoutes } from "@glassline/proto/json";
import { openApi } from "@glassline/proto/openapi";
import { addService } from "@glassline/proto/rpc";
import type { AppDeps } from "@glassline/service/app";
import { every } from "@glassline/service/clock";
import { OperatorError, messageOf } from "@glassline/service/errors";
import { GRPC_LIMITS, closeGrpc, listenGrpc } from "@glassline/service/grpc";
import { listen, startAdmin } from "@glassline/service/http";
import type { Logger } from "@glassline/service/logger";
import { mutualTlsServer } from "@glassline/service/tls";
import * as grpc from "@grpc/grpc-js";

import type { AdminDeps } from "./admin.ts";
import { adminService } from "./admin.ts";
import { Cache } from "./cache.ts";
import type { EdgeCacheConfig } from "./config.ts";
import { Traffic, hitRatio } from "./core/traffic.ts";
import { Viewers } from "./core/viewers.ts";
import type { EdgeMetrics } from "./metrics.ts";
import { edgeMetrics } from "./metrics.ts";
import { watchPeers } from "./peers.ts";
import { MemoryStore } from "./stores/memory-store.ts";
import { httpUpstream } from "./upstream/http-upstream.ts";
import type { Upstream } from "./upstream/upstream.ts";
import { createViewerServer } from "./viewer-server.ts";

const VERSION = "0.1.0";
const GRACE_MS = 500;
/** Players of segments of up to ten seconds are seen this often. */
const VIEWER_WINDOW_MS = 15_000;
const GAUGE_INTERVAL_MS = 1_000;

export interface EdgeCache extends AsyncDisposable {
  addresses: { port: number; grpcPort: number; adminPort: number };
}

export async function startEdgeCache(config: EdgeCacheConfig, deps: AppDeps): Promise<EdgeCache> {
  await using stack = new AsyncDisposableStack();
  const { clock, identity } = deps;
  const metrics = edgeMetrics(deps.metrics);
  const traffic = new Traffic(clock.monotonicMs());
  const viewers = new Viewers(VIEWER_WINDOW_MS);
  const store = new MemoryStore(config.memory, () => metrics.evicted.inc());
  const upstream = watched(stack.use(httpUpstream(originOf(config), identity)), deps.logger);
  const cache = new Cache({
    store,
    upstream,
    clock,
    fetched: (bytes) => {
      traffic.fetched(bytes, clock.monotonicMs());
      metrics.originFetches.inc();
      metrics.originBytes.inc(bytes);
    },
  });
  const peers = stack.use(
    watchPeers(
      config.peer.map(({ name, url }) => ({ name, publicUrl: url })),
      clock,
    ),
  );

  const publicUrl = config.publicUrl === "" ? `http://localhost:${config.port}` : config.publicUrl;
  const parts = { cache, store, peers, traffic, viewers, metrics, clock, publicUrl };
  const server = createViewerServer({
    ...parts,
    edge: config.name,
    steeringTtlS: config.steeringTtl / 1_000,
    allowedHosts: [...config.allowedHost, new URL(publicUrl).hostname],
    allowedOrigins: config.allowedOrigin,
  });
  server.server.maxConnections = config.connections;
  server.server.on("drop", () => metrics.droppedConnections.inc());
  const port = await listen(server, "viewers (--port)", config.host, config.port);
  stack.defer(() => server.close());

  const adminDeps = { ...parts, config, originReachable: () => upstream.reachable };
  const { grpcPort, adminPort } = await startAdministration(config, deps, adminDeps, stack);
  stack.use(keepGauges(parts));
  const owned = stack.move();
  return {
    addresses: { port, grpcPort, adminPort },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function startAdministration(
  config: EdgeCacheConfig,
  { identity, metrics }: AppDeps,
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
    }),
  );
  return { grpcPort, adminPort: http.port };
}

/** The configured origin without a path. Throws OperatorError. */
function originOf({ origin }: EdgeCacheConfig): string {
  const url = URL.canParse(origin) ? new URL(origin) : undefined;
  if (url && /^https?:$/.test(url.protocol) && url.pathname === "/" && url.search === "")
    return url.origin;
  throw new OperatorError(
    `--origin: got ${JSON.stringify(origin)}, expected http://HOST:PORT or https://HOST:PORT`,
  );
}

/** Remembers whether the origin answered the last time. */
function watched(upstream: Upstream, logger: Logger) {
  const state = {
    reachable: true,
    fetch: async (target: string) => {
      try {
        const answer = await upstream.fetch(target);
        if (!state.reachable) logger.info("the origin answers again");
        state.reachable = true;
        return answer;
      } catch (error) {
        if (state.reachable)
          logger.warn({ reason: messageOf(error) }, "the origin gives no answer");
        state.reachable = false;
        throw error;
      }
    },
    [Symbol.asyncDispose]: () => upstream[Symbol.asyncDispose](),
  };
  return state;
}

function keepGauges({
  metrics,
  traffic,
  viewers,
  store,
  clock,
}: Pick<AdminDeps, "traffic" | "viewers" | "store" | "clock"> & {
  metrics: EdgeMetrics;
}): Disposable {
  const stop = new AbortController();
  void every(clock, GAUGE_INTERVAL_MS, stop.signal, () => {
    const nowMs = clock.monotonicMs();
    metrics.hitRatio.set(hitRatio(traffic.recent(nowMs).counts) ?? 0);
    metrics.viewers.set(viewers.count(nowMs));
    metrics.storedBytes.set(store.bytes);
    metrics.objects.set(store.objects);
  });
  return { [Symbol.dispose]: () => stop.abort() };
}
