/** The lines for `ip` and `bridge` that bring one segment from what is there to what is wished. None, when it is so. Pure. */
import type { Network } from "./address.ts";
import { textOf } from "./address.ts";
import type { Forwarding, Link, Observed, Placement, PortFlags } from "./network-state.ts";
import type { SegmentWish, TunnelWish } from "./segment-wish.ts";
import { bridgeName, familyOf, tunnelName } from "./segment-wish.ts";

export interface Line {
  tool: "ip" | "bridge";
  /** Whose it is, for whoever hears that it failed. */
  segment: string;
  text: string;
  /** It lets nobody in who is not in yet. */
  isNarrowing?: true;
}

export interface LineOptions {
  /** The interfaces that this agent made are of this group, from their first moment. */
  group: string;
  /** UDP. */
  port: number;
}

/** Of a segment's interfaces, by interface. */
export interface Entries {
  forwarding: ReadonlyMap<string, readonly Forwarding[]>;
  placements: ReadonlyMap<string, readonly Placement[]>;
}

export const ALIAS = "glassline:";
/** Frames for all: broadcast, and whoever is not known. One entry a peer (head-end replication). */
const EVERYBODY = "00:00:00:00:00:00";
/** Of a bridge's port, as the kernel makes it. */
const PLAIN: PortFlags = { isLearning: true, isFlooding: true, isIsolated: false };

export function linesFor(
  wish: SegmentWish,
  mtu: number,
  observed: Observed,
  entries: Entries,
  options: LineOptions,
): Line[] {
  const parts = wish.tunnels.map((tunnel) => tunnelLines(wish, tunnel, mtu, observed, options));
  return [
    ...bridgeLines(wish, mtu, observed, options),
    ...parts.flatMap(({ lines }) => lines),
    // A new interface has no entries.
    ...parts.flatMap(({ tunnel, isNew }) => [
      ...forwardingLines(
        wish.name,
        tunnel,
        isNew ? [] : (entries.forwarding.get(tunnelName(tunnel.vni)) ?? []),
      ),
      ...placementLines(
        wish,
        tunnel,
        isNew ? [] : (entries.placements.get(tunnelName(tunnel.vni)) ?? []),
      ),
    ]),
  ];
}

/** Services that come to this machine now: others must hear of it. */
export function comingServices({ vni, services }: SegmentWish, { links }: Observed): Network[] {
  const is = links.get(bridgeName(vni))?.addresses ?? [];
  return services.filter((service) => !is.includes(textOf(service)));
}

function bridgeLines(wish: SegmentWish, mtu: number, observed: Observed, options: LineOptions) {
  const { name, vni, mac } = wish;
  const bridge = bridgeName(vni);
  const found = observed.links.get(bridge);
  const is = found?.kind === "bridge" ? found : undefined;
  const line = (text: string) => ip(name, text);
  const making = [
    ...(found && !is ? [line(`link delete dev ${bridge}`)] : []),
    line(
      `link add name ${bridge} up address ${mac} group ${options.group} mtu ${mtu} type bridge stp_state 0 forward_delay 0 mcast_snooping 0`,
    ),
  ];
  return [
    ...(is ? [] : making),
    ...(is && is.mac !== mac ? [line(`link set dev ${bridge} address ${mac}`)] : []),
    ...(is && is.mtu !== mtu ? [line(`link set dev ${bridge} mtu ${mtu}`)] : []),
    ...(is && !is.isUp ? [line(`link set dev ${bridge} up`)] : []),
    ...(is?.alias === ALIAS + name ? [] : [line(`link set dev ${bridge} alias ${ALIAS}${name}`)]),
    ...addressLines(wish, is?.addresses ?? []),
  ];
}

function addressLines({ name, vni, network, services }: SegmentWish, is: readonly string[]) {
  const bridge = bridgeName(vni);
  const wanted = new Set([network, ...services].map(textOf));
  const missing = (all: readonly Network[]) => all.filter((each) => !is.includes(textOf(each)));
  // The store of VNIs and addresses sees to it that nobody else has it: the kernel need not ask around first.
  const add = (each: Network, more: string) =>
    ip(
      name,
      `address add ${textOf(each)} dev ${bridge}${each.family === "ipv6" ? ` nodad${more}` : ""}`,
    );
  return [
    ...is
      .filter((each) => !wanted.has(each))
      .map((each) => ip(name, `address delete ${each} dev ${bridge}`)),
    ...missing([network]).map((each) => add(each, "")),
    // What this machine begins itself comes from its own address (RFC 6724 section 5, rule 3).
    ...missing(services).map((each) => add(each, " preferred_lft 0")),
  ];
}

function tunnelLines(
  wish: SegmentWish,
  tunnel: TunnelWish,
  mtu: number,
  observed: Observed,
  options: LineOptions,
): { tunnel: TunnelWish; isNew: boolean; lines: Line[] } {
  const is = observed.links.get(tunnelName(tunnel.vni));
  const isNew = is === undefined || !isTunnelOf(is, tunnel, observed, options);
  const lines = isNew
    ? newTunnelLines(wish, tunnel, mtu, is, observed, options)
    : changedTunnelLines(wish, mtu, is);
  const flags = flagsOf(wish, tunnel);
  const flagLines = flagLinesFor(wish.name, tunnel.vni, flags, isNew ? PLAIN : is.port);
  return { tunnel, isNew, lines: [...lines, ...flagLines] };
}

function newTunnelLines(
  { name, vni }: SegmentWish,
  tunnel: TunnelWish,
  mtu: number,
  found: Link | undefined,
  observed: Observed,
  { group, port }: LineOptions,
) {
  const link = tunnelName(tunnel.vni);
  const local = localOf(tunnel, observed);
  const end = local === "" ? "" : ` local ${local}`;
  return [
    ...(found ? [ip(name, `link delete dev ${link}`)] : []),
    ip(
      name,
      `link add name ${link} up master ${bridgeName(vni)} group ${group} mtu ${mtu} type vxlan id ${tunnel.vni} dstport ${port} nolearning${end}`,
    ),
  ];
}

function changedTunnelLines({ name, vni }: SegmentWish, mtu: number, is: Link) {
  const bridge = bridgeName(vni);
  const set = (what: string) => ip(name, `link set dev ${is.name} ${what}`);
  return [
    ...(is.mtu === mtu ? [] : [set(`mtu ${mtu}`)]),
    ...(is.master === bridge ? [] : [set(`master ${bridge}`)]),
    ...(is.isUp ? [] : [set("up")]),
  ];
}

/**
 * A gateway's bridge knows who is behind which port: it learns nothing, and floods nothing that is for one machine. What
 * came in by one stitch does not leave by another one (split horizon, RFC 9014 section 4.4).
 */
function flagsOf({ tunnels }: SegmentWish, tunnel: TunnelWish): PortFlags {
  return tunnels.length === 1
    ? PLAIN
    : { isLearning: false, isFlooding: false, isIsolated: tunnel !== tunnels[0] };
}

function flagLinesFor(name: string, vni: number, wanted: PortFlags, is: PortFlags | undefined) {
  const word = (flag: boolean) => (flag ? "on" : "off");
  const { isLearning, isFlooding, isIsolated } = wanted;
  const isSame =
    is?.isLearning === isLearning && is.isFlooding === isFlooding && is.isIsolated === isIsolated;
  return isSame
    ? []
    : [
        ip(
          name,
          `link set dev ${tunnelName(vni)} type bridge_slave learning ${word(isLearning)} flood ${word(isFlooding)} isolated ${word(isIsolated)}`,
        ),
      ];
}

function forwardingLines(
  name: string,
  { vni, peers }: TunnelWish,
  observed: readonly Forwarding[],
) {
  const link = tunnelName(vni);
  const wanted = new Map(
    peers
      .flatMap(({ macs, underlay: { text } }) =>
        [EVERYBODY, ...macs].map((mac) => ({ link, mac, underlay: text })),
      )
      .map((entry) => [keyOf(entry), entry]),
  );
  const is = new Set(observed.map(keyOf));
  const macs = new Set(peers.flatMap((peer) => peer.macs));
  return [
    // An entry of a peer that moved is replaced below.
    ...observed
      .filter((entry) => !wanted.has(keyOf(entry)) && !macs.has(entry.mac))
      .map(({ mac, underlay }) => narrowing(name, `fdb delete ${mac} dev ${link} dst ${underlay}`)),
    ...[...wanted]
      .filter(([key]) => !is.has(key))
      .map(([, { mac, underlay }]) =>
        mac === EVERYBODY
          ? bridge(name, `fdb append ${mac} dev ${link} dst ${underlay}`)
          : bridge(name, `fdb replace ${mac} dev ${link} dst ${underlay} static`),
      ),
  ];
}

/** Which port of a gateway's bridge a machine is behind. */
function placementLines(
  { name, tunnels }: SegmentWish,
  tunnel: TunnelWish,
  observed: readonly Placement[],
) {
  const link = tunnelName(tunnel.vni);
  const macsOf = ({ peers }: TunnelWish) => peers.flatMap(({ macs }) => macs);
  const wanted = new Set(tunnels.length === 1 ? [] : macsOf(tunnel));
  const elsewhere = new Set(tunnels.length === 1 ? [] : tunnels.flatMap(macsOf));
  const is = new Set(observed.map(({ mac }) => mac));
  return [
    // One that is behind another port now is replaced there.
    ...[...is]
      .filter((mac) => !elsewhere.has(mac))
      .map((mac) => narrowing(name, `fdb delete ${mac} dev ${link} master`)),
    ...[...wanted]
      .filter((mac) => !is.has(mac))
      .map((mac) => bridge(name, `fdb replace ${mac} dev ${link} master static`)),
  ];
}

function isTunnelOf(link: Link, tunnel: TunnelWish, observed: Observed, { port }: LineOptions) {
  const { vxlan } = link;
  return (
    vxlan !== undefined &&
    vxlan.vni === tunnel.vni &&
    vxlan.port === port &&
    !vxlan.isLearning &&
    vxlan.local === (localOf(tunnel, observed) || vxlan.local)
  );
}

/** With IPv4 the kernel takes the source of each route; for IPv6 it must hear of the family. */
function localOf(tunnel: TunnelWish, { routes }: Observed): string {
  if (tunnel.underlay) return tunnel.underlay.text;
  if (familyOf(tunnel) === "ipv4") return "";
  const locals = tunnel.peers.map(({ underlay }) => routes.get(underlay.text));
  return locals.flatMap((route) => (route && "local" in route ? [route.local] : []))[0] ?? "";
}

const ip = (segment: string, text: string): Line => ({ tool: "ip", segment, text });
const bridge = (segment: string, text: string): Line => ({ tool: "bridge", segment, text });
const narrowing = (segment: string, text: string): Line => ({
  ...bridge(segment, text),
  isNarrowing: true,
});
const keyOf = ({ mac, underlay }: Forwarding) => `${mac} ${underlay}`;
