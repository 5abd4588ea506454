/** An edge cache: HTTP for viewers in front, one origin behind, administration beside. */
import { join } from "node:path";

import type { AppDeps } from "@glassline/service/app";
import type { Clock } from "@glassline/service/clock";
import { closeHttp, listenHttp } from "@glassline/service/listen-http";
import { BUG } from "@glassline/service/main";

import { startAccessLog } from "./access-log/start-access-log.ts";
import { Cache } from "./cache.ts";
import { ClientRates } from "./client-rates.ts";
import { Cluster } from "./cluster/cluster.ts";
import { relationsOf } from "./cluster/relations.ts";
import { Positions } from "./cluster/positions.ts";
import type { ClusterServerDeps } from "./cluster/cluster-server.ts";
import { createClusterServer } from "./cluster/cluster-server.ts";
import type { EdgeCacheConfig } from "./config.ts";
import { Addresses } from "./core/addresses.ts";
import { InFlight } from "./core/in-flight.ts";
import { Purges } from "./core/purges.ts";
import { Traffic } from "./core/traffic.ts";
import { Viewers } from "./core/viewers.ts";
import { Following } from "./following/following.ts";
import { openFencing } from "./fencing.ts";
import type { Refused } from "./front/refusals.ts";
import { startFront, viewedOf } from "./front/start.ts";
import { keepGauges } from "./gauges.ts";
import { edgeMetrics } from "./metrics.ts";
import { watchPeers } from "./peers.ts";
import { Primings } from "./primings.ts";
import { openStore } from "./stores/open-store.ts";
import { startViewerTokens } from "./tokens/viewer-tokens.ts";
import { openOrigin } from "./upstream/open-origin.ts";
import { QuestionQueue } from "./upstream/question-queue.ts";
import { watched } from "./upstream/watched-upstream.ts";
import type { Asking } from "./viewer-exchange.ts";
import { viewerHandler } from "./viewer-server.ts";

/** Clients whose requests are counted apart. */
const CLIENTS_MAX = 100_000;
/** Players of segments of up to ten seconds are seen this often. */
const VIEWER_WINDOW_MS = 15_000;

export interface EdgeCache extends AsyncDisposable {
  /** The cluster's port is 0 where there is none. */
  addresses: {
    port: number;
    plainPort?: number;
    clusterPort: number;
    grpcPort: number;
    adminPort: number;
  };
}

export async function startEdgeCache(config: EdgeCacheConfig, deps: AppDeps): Promise<EdgeCache> {
  await using stack = new AsyncDisposableStack();
  const { clock, identity } = deps;
  const metrics = edgeMetrics(deps.metrics);
  const traffic = new Traffic(clock.monotonicMs());
  const viewers = new Viewers(VIEWER_WINDOW_MS);
  const purges = new Purges();
  const { store, disk } = await openStore(config, { ...deps, purges, metrics }, stack);
  const inFlight = new InFlight(inFlightMaxBytes(config), (reason) =>
    metrics.inFlightShortages.inc({ reason }),
  );
  const questions = new QuestionQueue(config.originConnections);
  const upstream = watched(stack.use(await openOrigin(config, identity, questions)), deps.logger);
  const cluster = stack.use(
    new Cluster(relationsOf(config), upstream, {
      identity,
      clock,
      positions: disk && new Positions(join(config.disk, "positions.json")),
      logger: deps.logger,
      counted: (member, result) => metrics.clusterFetches.inc({ member, result }),
    }),
  );
  const addresses = new Addresses(config.ignoreQuery);
  const cache = new Cache({
    addresses,
    store,
    purges,
    upstream: cluster.upstream,
    invalidate: (keys) => cluster.invalidate(keys),
    blockingMs: (path) =>
      config.blockingLifetime.find(({ prefix }) => path.startsWith(prefix))?.value,
    isHinted: (key) => following.isHinted(key),
    grows: (key) => following.grows(key),
    clock,
    name: config.name,
    objectMaxBytes: config.objectSize,
    inFlight,
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

  const following: Following = stack.use(
    new Following({
      cache,
      addresses,
      store,
      clock,
      logger: deps.logger,
      most: config.follow,
      fetched: (kind) => metrics.prefetched.inc({ kind }),
      refused: () => metrics.notFollowed.inc(),
    }),
  );
  const viewed = await viewedOf(config);
  const { publicUrl } = viewed;
  const parts = {
    cache,
    addresses,
    cluster,
    store,
    disk,
    peers,
    traffic,
    viewers,
    metrics,
    clock,
    publicUrl,
  };
  const servers = [publicUrl, ...config.peer.map(({ url }) => url)];
  const tokenDeps = { clock, logger: deps.logger, metrics, addresses, servers };
  const { tokens, revoking } = await startViewerTokens(config, tokenDeps, stack);
  const primings = stack.use(
    new Primings({ cache, addresses, clock, perSecond: config.primeRate }, metrics),
  );
  const waiting = new Set<Asking>();
  const refused: Refused = (reason) => metrics.refused.inc({ reason });
  const { stopping, logger } = deps;
  const draining = { isOn: false };
  let isDraining = false;
  stopping.addEventListener("abort", () => (isDraining = true), { once: true });
  const handle = viewerHandler({
    ...parts,
    following,
    edge: config.name,
    steeringTtlS: config.steeringTtl / 1_000,
    allowedHosts: [...config.allowedHost, new URL(publicUrl).hostname],
    allowedOrigins: config.allowedOrigin,
    logger,
    tokens,
    accessLog: await startAccessLog(config, { ...deps, metrics }, stack),
    rates: ratesOf(config, clock),
    refused,
    waiting,
    isDraining: () => isDraining,
    isSteeredAway: () => draining.isOn,
  });
  const busy = () => new Set([...waiting].map(({ socket }) => socket));
  await cluster.start(cache);
  const frontDeps = { handle, busy, refused, clock, logger, metrics };
  const { front, port, plainPort } = await startFront(config, viewed, frontDeps, stack);

  const toCluster = { edge: config.name, identity, cluster, cache, addresses };
  const clusterPort = await listenCluster(config, toCluster, stack);
  const originReachable = () => upstream.reachable;
  // Viewers are served already, and from disk, before what they do not need is loaded.
  await disk?.started;
  const fencing = await openFencing(config.disk, logger);
  const adminDeps = { ...parts, config, originReachable, primings, revoking, fencing, draining };
  const { user, system } = process.cpuUsage();
  const about = {
    port,
    objectsOnDisk: disk?.objects ?? 0,
    sinceStartMs: Math.round(clock.monotonicMs()),
  };
  deps.logger.info({ ...about, cpuMs: Math.round((user + system) / 1_000) }, "viewers are served");
  const { startAdministration } = await import("./administration.ts");
  const { grpcPort, adminPort } = await startAdministration(config, deps, adminDeps, stack);
  stack.use(keepGauges({ ...parts, following, inFlight, questions, revoking, front }));
  const owned = stack.move();
  return {
    addresses: {
      port,
      ...(plainPort !== undefined && { plainPort }),
      clusterPort,
      grpcPort,
      adminPort,
    },
    [Symbol.asyncDispose]: async () => {
      // What has met a bug may not be able to serve.
      if (stopping.aborted && stopping.reason !== BUG) await front.drain(config.drain);
      await owned.disposeAsync();
    },
  };
}

function ratesOf({ clientRate, clientBurst }: EdgeCacheConfig, clock: Clock) {
  if (clientRate === 0) return undefined;
  const rate = { perSecond: clientRate, burst: clientBurst, clientsMax: CLIENTS_MAX };
  return new ClientRates(rate, clock);
}

/** An edge that no other asks needs no port for them. */
async function listenCluster(
  { host, clusterHost, clusterPort, member, shielded }: EdgeCacheConfig,
  deps: ClusterServerDeps,
  stack: AsyncDisposableStack,
): Promise<number> {
  if (member.length === 0 && shielded.length === 0) return 0;
  const server = createClusterServer(deps);
  const at = clusterHost === "" ? host : clusterHost;
  const port = await listenHttp(server, "the cluster (--cluster-port)", at, clusterPort);
  stack.defer(() => closeHttp(server));
  return port;
}

/** Large enough for one object of any size that is stored. */
function inFlightMaxBytes({ inFlightMemory, memory, objectSize }: EdgeCacheConfig): number {
  return inFlightMemory > 0 ? inFlightMemory : Math.max(memory / 4, objectSize);
}
