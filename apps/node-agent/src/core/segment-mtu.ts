/** How large a packet of a segment may be. Pure. */
import type { Observed } from "./network-state.ts";
import type { SegmentWish } from "./segment-wish.ts";
import { bridgeName, familyOf } from "./segment-wish.ts";

/** Outer IP, UDP, VXLAN and the inner Ethernet header, bytes. RFC 7348 section 5. */
const OVERHEAD = { ipv4: 20 + 8 + 8 + 14, ipv6: 40 + 8 + 8 + 14 } as const;
/** Of Ethernet, where no way to a peer is known yet. */
const UNDERLAY_MTU = 1_500;
const LEAST = { ipv4: 576, ipv6: 1_280 } as const;

/** @returns bytes, or why there are none. A segment whose underlay is away keeps what it has. */
export function mtuOf(
  wish: SegmentWish,
  observed: Observed,
): { mtu: number } | { problem: string } {
  const below = underlayMtu(wish, observed);
  const overhead = OVERHEAD[familyOf(wish)];
  const is = observed.links.get(bridgeName(wish.vni))?.mtu;
  if (below === undefined) return { mtu: wish.mtu || is || UNDERLAY_MTU - overhead };
  const most = below - overhead;
  if (wish.mtu > most)
    return {
      problem: `mtu: got ${wish.mtu}, expected at most ${most}: below it packets may have ${below} bytes`,
    };
  const least = LEAST[wish.network.family];
  if (most < least)
    return { problem: `mtu of the underlay: got ${below}, expected at least ${least + overhead}` };
  return { mtu: wish.mtu || most };
}

/** The least of all ways to peers. */
function underlayMtu({ peers, underlay }: SegmentWish, { routes, links }: Observed) {
  const ways = peers.flatMap((peer) => {
    const route = routes.get(peer.underlay.text);
    return route && "device" in route && !route.isLocal
      ? [route.mtu ?? links.get(route.device)?.mtu]
      : [];
  });
  const own = underlay && deviceOf(underlay.text, links)?.mtu;
  const all = [...ways, own].filter((mtu) => mtu !== undefined);
  return all.length === 0 ? undefined : Math.min(...all);
}

function deviceOf(address: string, links: Observed["links"]) {
  return [...links.values()].find(({ addresses }) =>
    addresses.some((each) => each.startsWith(`${address}/`)),
  );
}

/** Peers that cannot be reached now: the segment works for the others. */
export function peerProblems({ peers }: SegmentWish, { routes }: Observed): string[] {
  return peers.flatMap(({ name, underlay: { text } }) => {
    const route = routes.get(text);
    if (!route) return [];
    if ("problem" in route) return [`no way to ${name} (${text}): ${route.problem}`];
    return route.isLocal
      ? [`underlay_address of ${name}: got ${text}, expected another machine's`]
      : [];
  });
}
