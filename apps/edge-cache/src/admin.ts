/** Administration: the status for everybody of the network; purging and priming with the token. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  EdgeCacheService,
  GetStatusResponseSchema,
  PurgeRequest,
  TrafficCountsSchema,
} from "@glassline/proto/edge";
import { RpcError } from "@glassline/proto/errors";
import type { CallContext, Implementation } from "@glassline/proto/rpc";
import type { Clock } from "@glassline/service/clock";
import { valuesByLabel } from "@glassline/service/metrics";
import { requireToken } from "@glassline/service/token";

import type { Cache } from "./cache.ts";
import type { EdgeCacheConfig } from "./config.ts";
import { OneShotActions } from "./core/actions.ts";
import { addressOf } from "./core/address.ts";
import type { Counts, Traffic } from "./core/traffic.ts";
import type { Viewers } from "./core/viewers.ts";
import type { EdgeMetrics } from "./metrics.ts";
import type { Peers } from "./peers.ts";
import { prime } from "./priming.ts";
import type { Store } from "./stores/store.ts";

export interface AdminDeps {
  config: EdgeCacheConfig;
  publicUrl: string;
  cache: Cache;
  store: Store;
  peers: Peers;
  traffic: Traffic;
  viewers: Viewers;
  metrics: EdgeMetrics;
  clock: Clock;
  originReachable: () => boolean;
}

export function adminService(deps: AdminDeps): Implementation<typeof EdgeCacheService> {
  const { config, cache, metrics } = deps;
  const actions = new OneShotActions();
  const startedUnixNano = deps.clock.nowUnixNano();
  const guard = ({ authorization }: CallContext) =>
    requireToken(authorization, config.adminToken, "Bearer and this edge's admin token");
  return {
    getStatus: async () => ({ ...(await statusOf(deps)), startedUnixNano }),
    purge: async (request, context) => {
      guard(context);
      const target = targetOf(request);
      return actions.once("purge", JSON.stringify(target), request, async () => {
        const { objects, bytes } = cache.purge(target);
        metrics.actions.inc({ kind: "purge" });
        return { objects, bytes: BigInt(bytes) };
      });
    },
    prime: async (request, context) => {
      guard(context);
      return actions.once("prime", request.path, request, async () => {
        const { objects, bytes } = await prime(cache, request.path);
        metrics.actions.inc({ kind: "prime" });
        return { objects, bytes: BigInt(bytes) };
      });
    },
  };
}

function targetOf({ target }: PurgeRequest): Parameters<Cache["purge"]>[0] {
  if (target.case === "tag" && target.value !== "") return { tag: target.value };
  if (target.case === "everything" && target.value) return "everything";
  const address = target.case === "path" ? addressOf(target.value) : undefined;
  if (address) return { key: address.key };
  throw new RpcError(
    "invalid_argument",
    `target: got ${target.case ?? "none"} ${JSON.stringify(target.value ?? "")}, expected a path, a tag, or everything: true`,
  );
}

async function statusOf(
  deps: AdminDeps,
): Promise<MessageInitShape<typeof GetStatusResponseSchema>> {
  const { config, publicUrl, store, peers, traffic, viewers, metrics, clock } = deps;
  const nowMs = clock.monotonicMs();
  const recent = traffic.recent(nowMs);
  return {
    edge: config.name,
    publicUrl,
    nowUnixNano: clock.nowUnixNano(),
    total: countsOf(traffic.total),
    recent: countsOf(recent.counts),
    recentWindowMs: Math.round(recent.windowMs),
    firstByteP50Ms: recent.p50Ms,
    firstByteP99Ms: recent.p99Ms,
    viewers: viewers.count(nowMs),
    objects: store.objects,
    storedBytes: BigInt(store.bytes),
    storeMaxBytes: BigInt(store.maxBytes),
    originReachable: deps.originReachable(),
    peers: peers.all().map(({ edge, publicUrl, reachable, sinceUnixNano, viewers }) => ({
      edge,
      publicUrl,
      reachable,
      sinceUnixNano,
      viewers,
    })),
    instanceId: config.instanceId,
    actionsDone: await valuesByLabel(metrics.actions, "kind"),
  };
}

function countsOf({ requests, ...counts }: Counts): MessageInitShape<typeof TrafficCountsSchema> {
  const big = (record: Record<string, number>) =>
    Object.fromEntries(Object.entries(record).map(([name, count]) => [name, BigInt(count)]));
  return { requests: big(requests), ...big(counts) };
}
