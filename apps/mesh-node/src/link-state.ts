/** What a node tells of its links and routes. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { LinkStatusSchema, RouteStatusSchema } from "@glassline/proto/mesh";

import type { LinkMonitor } from "./core/link-monitor.ts";
import { newLinkMonitor } from "./core/link-monitor.ts";
import { qualityOf } from "./core/link-price.ts";
import type { Selected } from "./core/routing/destination.ts";
import type { Link } from "./links/link.ts";

export type LinkState = MessageInitShape<typeof LinkStatusSchema>;
export type RouteState = MessageInitShape<typeof RouteStatusSchema>;

/** What the router counts of a link. */
export interface LinkCounts {
  link: Link;
  upSinceUnixNano: bigint;
  /** Frames. */
  sent: number;
  received: number;
}

const NOT_LOOKED_AT = newLinkMonitor(0);

export function linkStateOf(
  { link, upSinceUnixNano, sent, received }: LinkCounts,
  monitor: LinkMonitor = NOT_LOOKED_AT,
  cost = 0,
): LinkState {
  const { lossShare, keysLastS, padsLastS } = qualityOf(monitor);
  const {
    neighbour,
    transport,
    keyExchange,
    keySource,
    keyEpoch = 0,
    keyAgeMs,
    qber,
    padBytes,
  } = link;
  return {
    neighbour,
    up: true,
    rttMs: monitor.rttMs ?? 0,
    cost,
    transport,
    keyExchange,
    keySource,
    framesSent: BigInt(sent),
    framesReceived: BigInt(received),
    upSinceUnixNano,
    dialled: link.renew !== undefined,
    keyEpoch,
    lossRatio: lossShare,
    ...(keysLastS !== Infinity && { keysLastS }),
    ...(padsLastS !== Infinity && { padsLastS }),
    ...(qber !== undefined && { qber }),
    ...(keyAgeMs !== undefined && { keyAgeS: keyAgeMs / 1_000 }),
    ...(padBytes !== undefined && { padBytes: BigInt(padBytes) }),
  };
}

export const routeStateOf = ({
  origin,
  nextHop,
  metric,
  services,
}: Selected & { origin: string }): RouteState => ({
  origin,
  nextHop,
  metric,
  services: [...services],
});
