/** The nftables ruleset that lets only the peers of a segment into it. Pure. Source: nft(8), "raw payload expression". */
import type { Observed } from "./network-state.ts";
import type { SegmentWish } from "./segment-wish.ts";
import { tunnelName } from "./segment-wish.ts";
import { isInMesh } from "./wireguard.ts";

/** Who may send into a segment. */
export interface Admitted {
  vni: number;
  /** Underlay addresses. */
  peers: readonly string[];
  /** Its packets must come out of WireGuard. */
  isEncrypted: boolean;
}

/** The VNI in a UDP datagram: after the UDP header and the flags of VXLAN. RFC 7348 section 5. */
const VNI = "@th,96,24";

/** The wished segments, and those that are still there, with whom they have tunnels to. */
export function admitted(
  wishes: readonly SegmentWish[],
  { links, forwarding }: Observed,
  group: string,
): Admitted[] {
  const tunnels = wishes.flatMap((wish) =>
    wish.tunnels.map((tunnel) => ({ ...tunnel, isEncrypted: wish.isEncrypted })),
  );
  const names = new Set(tunnels.map(({ vni }) => tunnelName(vni)));
  const others = [...links.values()].filter(
    (link) => link.group === group && link.vxlan && !names.has(link.name),
  );
  return [
    ...tunnels.map(({ vni, peers, isEncrypted }) => ({
      vni,
      peers: peers.map((peer) => peer.underlay.text),
      isEncrypted,
    })),
    ...others.map(({ name, vxlan }) => ({
      vni: vxlan!.vni,
      peers: forwarding.filter(({ link }) => link === name).map(({ underlay }) => underlay),
      isEncrypted: isInMesh(vxlan!.local),
    })),
  ];
}

/** Replaces the table as one transaction. @param mesh WireGuard's interface. Other VNIs, and what else runs on this port, are left alone. */
export function allowList(
  table: string,
  port: number,
  segments: readonly Admitted[],
  mesh: string,
): string {
  const replaced = `table inet ${table}\ndelete table inet ${table}\n`;
  if (segments.length === 0) return replaced;
  const pairs = segments.flatMap(({ vni, peers }) =>
    [...new Set(peers)].map((peer) => ({ peer, text: `${peer} . ${vni}` })),
  );
  const isIpv6 = ({ peer }: { peer: string }) => peer.includes(":");
  const vnisOf = (some: readonly Admitted[]) => [...new Set(some.map(({ vni }) => String(vni)))];
  const encrypted = vnisOf(segments.filter(({ isEncrypted }) => isEncrypted));
  return `${replaced}table inet ${table} {
  set segments { typeof ${VNI}; ${elements(vnisOf(segments))} }
  set encrypted { typeof ${VNI}; ${elements(encrypted)} }
  set peers4 { typeof ip saddr . ${VNI}; ${elements(pairs.filter((pair) => !isIpv6(pair)).map(({ text }) => text))} }
  set peers6 { typeof ip6 saddr . ${VNI}; ${elements(pairs.filter(isIpv6).map(({ text }) => text))} }
  counter strangers { }
  chain underlay {
    type filter hook prerouting priority raw; policy accept;
    udp dport ${port} ${VNI} @segments jump segment
  }
  chain segment {
    ${encrypted.length === 0 ? "" : `iifname != "${mesh}" ${VNI} @encrypted counter name strangers drop`}
    ip saddr . ${VNI} @peers4 accept
    ip6 saddr . ${VNI} @peers6 accept
    counter name strangers drop
  }
}
`;
}

const elements = (all: readonly string[]) =>
  all.length === 0 ? "" : `elements = { ${all.join(", ")} };`;
