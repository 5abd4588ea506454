/** Administration: the status for everybody of the network; what changes something with the token. */
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
import type { Fencing } from "@glassline/service/fencing";
import { valuesByLabel } from "@glassline/service/metrics";
import { OneShotActions } from "@glassline/service/one-shot-actions";
import { requireToken } from "@glassline/service/token";

import type { Cache } from "./cache.ts";
import type { Cluster } from "./cluster/cluster.ts";
import type { EdgeCacheConfig } from "./config.ts";
import type { Addresses } from "./core/addresses.ts";
import type { Purge, PurgeTarget } from "./core/purges.ts";
import type { Counts, Traffic } from "./core/traffic.ts";
import type { Viewers } from "./core/viewers.ts";
import type { EdgeMetrics } from "./metrics.ts";
import type { Peers } from "./peers.ts";
import type { Primings } from "./primings.ts";
import { primingMessage, targetText } from "./priming-messages.ts";
import type { DiskStore } from "./stores/disk/disk-store.ts";
import type { Store } from "./stores/store.ts";
import type { Revoking } from "./tokens/revoke.ts";
import { revocationOf, revoke } from "./tokens/revoke.ts";

/** Of a tag, or a prefix. */
const NAME_MAX_CHARS = 1_024;

export interface AdminDeps {
  config: EdgeCacheConfig;
  publicUrl: string;
  cache: Cache;
  addresses: Addresses;
  cluster: Cluster;
  store: Store;
  disk: DiskStore | undefined;
  peers: Peers;
  traffic: Traffic;
  viewers: Viewers;
  metrics: EdgeMetrics;
  clock: Clock;
  originReachable: () => boolean;
  primings: Primings;
  revoking: Revoking;
  fencing: Fencing;
  draining: Draining;
}

/** Whether viewers are steered to other edges. Not kept over a restart. */
export interface Draining {
  isOn: boolean;
}

export function adminService(deps: AdminDeps): Implementation<typeof EdgeCacheService> {
  const { config, metrics, primings, revoking } = deps;
  const { fencing } = deps;
  const actions = new OneShotActions({ fencing });
  const startedUnixNano = deps.clock.nowUnixNano();
  const guard = ({ authorization }: CallContext) =>
    requireToken(authorization, config.adminToken, "Bearer and this edge's admin token");
  return {
    getStatus: async () => ({ ...(await statusOf(deps)), startedUnixNano }),
    purge: async (request, context) => {
      guard(context);
      const purge = { target: targetOf(request, deps.addresses), isSoft: request.soft } as Purge;
      const { onlyHere } = request;
      return actions.once("purge", JSON.stringify({ ...purge, onlyHere }), request, async () => {
        const { objects, bytes, pending } = await (onlyHere
          ? deps.cluster.purgeHere(purge)
          : deps.cluster.purge(purge));
        metrics.actions.inc({ kind: "purge" });
        return { objects, bytes: BigInt(bytes), pendingEdges: pending };
      });
    },
    prime: async (request, context) => {
      guard(context);
      const { idempotencyKey, background: isBackground } = request;
      const options = { idempotencyKey, isBackground, signal: context.signal };
      const prime = () =>
        actions.once("prime", targetText(request), request, async () => {
          const progress = await primings.run(request, options);
          const { fetched: objects, bytes } = progress;
          return { objects, bytes: BigInt(bytes), priming: primingMessage(progress) };
        });
      try {
        return await prime();
      } catch (error) {
        // Another caller with this key has gone, this one has not.
        const isOthers = error instanceof RpcError && error.code === "canceled";
        if (isOthers && !context.signal.aborted) return prime();
        throw error;
      }
    },
    getPriming: async ({ idempotencyKey }, context) => {
      guard(context);
      return { priming: primingMessage(primings.of(idempotencyKey)) };
    },
    revokeTokens: async (request, context) => {
      guard(context);
      const nowS = deps.clock.nowMs() / 1_000;
      const revocation = revocationOf(request, nowS);
      const { target, issuedUntilUnixNano } = request;
      const meant = `${target.case} ${String(target.value)} ${issuedUntilUnixNano}`;
      return actions.once("revocation", meant, request, async () => {
        const done = await revoke(revoking, revocation, nowS);
        metrics.actions.inc({ kind: "revoke" });
        return done;
      });
    },
    listRevocations: async (_request, context) => {
      guard(context);
      return { clients: revoking.revocations.clients() };
    },
    fence: async ({ fencingToken }, context) => {
      guard(context);
      await fencing.raise(fencingToken);
      return { fencingToken: fencing.highest };
    },
    setDraining: async (request, context) => {
      guard(context);
      const { draining } = request;
      return actions.once("draining", String(draining), request, async () =>
        setDraining(deps, draining),
      );
    },
  };
}

function setDraining({ draining, metrics, viewers, clock }: AdminDeps, isOn: boolean) {
  const changed = draining.isOn !== isOn;
  draining.isOn = isOn;
  metrics.draining.set(isOn ? 1 : 0);
  if (changed) metrics.actions.inc({ kind: isOn ? "drain" : "undrain" });
  return { changed, viewers: viewers.count(clock.monotonicMs()) };
}

function targetOf({ target }: PurgeRequest, addresses: Addresses): PurgeTarget {
  if (target.case === "tag" && isName(target.value)) return { tag: target.value };
  if (target.case === "prefix" && isName(target.value) && target.value.startsWith("/"))
    return { prefix: target.value };
  if (target.case === "everything" && target.value) return "everything";
  const address = target.case === "path" ? addresses.read(target.value) : undefined;
  if (address) return { key: address.key };
  throw new RpcError(
    "invalid_argument",
    `target: got ${target.case ?? "none"} ${JSON.stringify(target.value ?? "")}, expected a path, a prefix of paths, a tag (of at most ${NAME_MAX_CHARS} characters), or everything: true`,
  );
}

const isName = (text: string) => text !== "" && text.length <= NAME_MAX_CHARS;

async function statusOf(
  deps: AdminDeps,
): Promise<MessageInitShape<typeof GetStatusResponseSchema>> {
  const { config, publicUrl, store, disk, peers, traffic, viewers, metrics, clock } = deps;
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
    peers: peers
      .all()
      .map(({ edge, publicUrl, reachable, sinceUnixNano, viewers: count, draining }) => ({
        edge,
        publicUrl,
        reachable,
        sinceUnixNano,
        viewers: count,
        draining,
      })),
    instanceId: config.instanceId,
    members: deps.cluster.members.map((member) => ({
      edge: member.name,
      reachable: member.isReachable,
      usable: member.isUsable(deps.cluster.state().log),
    })),
    diskObjects: disk?.objects ?? 0,
    diskBytes: BigInt(disk?.bytes ?? 0),
    diskMaxBytes: BigInt(disk?.maxBytes ?? 0),
    revocations: deps.revoking.revocations.count,
    draining: deps.draining.isOn,
    actionsDone: await valuesByLabel(metrics.actions, "kind"),
  };
}

function countsOf({ requests, ...counts }: Counts): MessageInitShape<typeof TrafficCountsSchema> {
  const big = (record: Record<string, number>) =>
    Object.fromEntries(Object.entries(record).map(([name, count]) => [name, BigInt(count)]));
  return { requests: big(requests), ...big(counts) };
}
