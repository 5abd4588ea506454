/** How large a packet of a segment may be. Pure. */
import type { Link, Observed } from "./network-state.ts";
import type { SegmentWish, TunnelWish } from "./segment-wish.ts";
import { bridgeName, familyOf, peersOf } from "./segment-wish.ts";

/** Outer IP, UDP, VXLAN and the inner Ethernet header, bytes. RFC 7348 section 5. */
const OVERHEAD = { ipv4: 20 + 8 + 8 + 14, ipv6: 40 + 8 + 8 + 14 } as const;
/** Of Ethernet, where no way to a peer is known yet. */
export const UNDERLAY_MTU = 1_500;
const LEAST = { ipv4: 576, ipv6: 1_280 } as const;

/** @returns bytes, or why there are none. A segment whose underlay is away keeps what it has. */
export function mtuOf(
  wish: SegmentWish,
  observed: Observed,
  devices: ReadonlyMap<string, Link> = devicesByAddress(observed.links),
): { mtu: number } | { problem: string } {
  const ways = wish.tunnels.flatMap((tunnel) => wayOf(tunnel, observed, devices) ?? []);
  const narrowest = ways.toSorted((one, other) => one.most - other.most)[0];
  const overhead = OVERHEAD[familyOf(wish.tunnels[0])];
  const is = observed.links.get(bridgeName(wish.vni))?.mtu;
  if (!narrowest) return { mtu: wish.mtu || is || UNDERLAY_MTU - overhead };
  const { most, below } = narrowest;
  if (wish.mtu > most)
    return {
      problem: `mtu: got ${wish.mtu}, expected at most ${most}: below it packets may have ${below} bytes`,
    };
  const least = LEAST[wish.network.family];
  if (most < least)
    return {
      problem: `mtu of the underlay: got ${below}, expected at least ${least + below - most}`,
    };
  return { mtu: wish.mtu || most };
}

/** Which interface has an address. */
export function devicesByAddress(links: Observed["links"]): ReadonlyMap<string, Link> {
  return new Map(
    [...links.values()].flatMap((link) =>
      link.addresses.map((address): [string, Link] => [
        address.slice(0, address.indexOf("/")),
        link,
      ]),
    ),
  );
}

/** What the narrowest way to a peer leaves. */
function wayOf(
  tunnel: TunnelWish,
  { routes, links }: Observed,
  devices: ReadonlyMap<string, Link>,
): { below: number; most: number } | undefined {
  const ways = tunnel.peers.flatMap((peer) => {
    const route = routes.get(peer.underlay.text);
    return route && "device" in route && !route.isLocal
      ? [route.mtu ?? links.get(route.device)?.mtu]
      : [];
  });
  const own = tunnel.underlay && devices.get(tunnel.underlay.text)?.mtu;
  const all = [...ways, own].filter((mtu) => mtu !== undefined);
  if (all.length === 0) return undefined;
  const below = Math.min(...all);
  return { below, most: below - OVERHEAD[familyOf(tunnel)] };
}

/** Peers that cannot be reached now: the segment works for the others. */
export function peerProblems(wish: SegmentWish, { routes }: Observed): string[] {
  return peersOf(wish).flatMap(({ name, underlay: { text } }) => {
    const route = routes.get(text);
    if (!route) return [];
    if ("problem" in route) return [`no way to ${name} (${text}): ${route.problem}`];
    return route.isLocal
      ? [`underlay_address of ${name}: got ${text}, expected another machine's`]
      : [];
  });
}
