/** The lines for `ip` and `bridge` that turn what is there into what is wished. None, when it is so. Pure. */
import type { Network } from "./address.ts";
import { overlaps, readNetwork, textOf } from "./address.ts";
import type { Forwarding, Link, Observed } from "./network-state.ts";
import type { SegmentWish } from "./segment-wish.ts";
import { bridgeName, familyOf, tunnelName } from "./segment-wish.ts";
import { mtuOf } from "./segment-mtu.ts";

export interface Line {
  tool: "ip" | "bridge";
  /** Whose it is, for whoever hears that it failed. */
  segment: string;
  text: string;
}

export interface Plan {
  /** In this order; those of one tool may be run as one batch, `ip` first. */
  lines: readonly Line[];
  /** Why nothing is done for a segment, by its name. */
  blocked: ReadonlyMap<string, string>;
  /** Segments that are there, not wished, and left for now because an edge uses them. */
  kept: readonly string[];
}

export interface PlanOptions {
  /** The interfaces that this agent made are of this group, from their first moment. */
  group: string;
  /** UDP. */
  port: number;
  /** Names of segments that edges use. */
  inUse: ReadonlySet<string>;
}

const ALIAS = "glassline:";
/** Frames for all: broadcast, and whoever is not known. One entry a peer (head-end replication). */
const EVERYBODY = "00:00:00:00:00:00";

export function planSegments(
  observed: Observed,
  wishes: readonly SegmentWish[],
  options: PlanOptions,
): Plan {
  const blocked = new Map<string, string>();
  const foreign = [...observed.links.values()].filter(({ group }) => group !== options.group);
  const taken = takenNetworks(foreign);
  const forwarding = Map.groupBy(observed.forwarding, ({ link }) => link);
  const { removed, kept } = leftovers(observed, wishes, options);
  const lines = removed.map((link) =>
    ip(segmentOf(link, observed), `link delete dev ${link.name}`),
  );
  for (const wish of wishes) {
    const fit = mtuOf(wish, observed);
    const reason =
      ownerProblem(wish, foreign, options) ??
      placeProblem(wish, taken) ??
      ("problem" in fit ? fit.problem : undefined);
    if (reason !== undefined) blocked.set(wish.name, reason);
    else if ("mtu" in fit) lines.push(...linesFor(wish, fit.mtu, observed, forwarding, options));
  }
  return { lines, blocked, kept };
}

function linesFor(
  wish: SegmentWish,
  mtu: number,
  observed: Observed,
  forwarding: ReadonlyMap<string, readonly Forwarding[]>,
  options: PlanOptions,
): Line[] {
  const tunnel = observed.links.get(tunnelName(wish.vni));
  const isTunnelRight = tunnel !== undefined && isTunnelOf(tunnel, wish, observed, options);
  return [
    ...bridgeLines(wish, mtu, observed, options),
    ...(isTunnelRight
      ? changedTunnelLines(wish, mtu, tunnel)
      : newTunnelLines(wish, mtu, tunnel, observed, options)),
    // A new interface has no entries.
    ...forwardingLines(wish, isTunnelRight ? (forwarding.get(tunnel.name) ?? []) : []),
  ];
}

function bridgeLines(wish: SegmentWish, mtu: number, observed: Observed, options: PlanOptions) {
  const { name, vni, mac, network } = wish;
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
  const address = textOf(network);
  const unwanted = is?.addresses.filter((each) => each !== address) ?? [];
  return [
    ...(is ? [] : making),
    ...(is && is.mac !== mac ? [line(`link set dev ${bridge} address ${mac}`)] : []),
    ...(is && is.mtu !== mtu ? [line(`link set dev ${bridge} mtu ${mtu}`)] : []),
    ...(is && !is.isUp ? [line(`link set dev ${bridge} up`)] : []),
    ...(is?.alias === ALIAS + name ? [] : [line(`link set dev ${bridge} alias ${ALIAS}${name}`)]),
    ...unwanted.map((each) => line(`address delete ${each} dev ${bridge}`)),
    ...(is?.addresses.includes(address)
      ? []
      : // The store of VNIs and addresses sees to it that nobody else has it: the kernel need not ask around first.
        [line(`address add ${address} dev ${bridge}${network.family === "ipv6" ? " nodad" : ""}`)]),
  ];
}

function newTunnelLines(
  wish: SegmentWish,
  mtu: number,
  found: Link | undefined,
  observed: Observed,
  { group, port }: PlanOptions,
) {
  const { name, vni } = wish;
  const tunnel = tunnelName(vni);
  const local = localOf(wish, observed);
  const end = local === "" ? "" : ` local ${local}`;
  return [
    ...(found ? [ip(name, `link delete dev ${tunnel}`)] : []),
    ip(
      name,
      `link add name ${tunnel} up master ${bridgeName(vni)} group ${group} mtu ${mtu} type vxlan id ${vni} dstport ${port} nolearning${end}`,
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

function forwardingLines({ name, vni, peers }: SegmentWish, observed: readonly Forwarding[]) {
  const link = tunnelName(vni);
  const line = (text: string): Line => ({ tool: "bridge", segment: name, text });
  const wanted = new Map(
    peers
      .flatMap(({ mac, underlay: { text } }) => [
        { link, mac: EVERYBODY, underlay: text },
        { link, mac, underlay: text },
      ])
      .map((entry) => [keyOf(entry), entry]),
  );
  const is = new Map(observed.map((entry) => [keyOf(entry), entry]));
  const macs = new Set(peers.map(({ mac }) => mac));
  return [
    // An entry of a peer that moved is replaced below.
    ...[...is]
      .filter(([key, { mac }]) => !wanted.has(key) && !macs.has(mac))
      .map(([, { mac, underlay }]) => line(`fdb delete ${mac} dev ${link} dst ${underlay}`)),
    ...[...wanted]
      .filter(([key]) => !is.has(key))
      .map(([, { mac, underlay }]) =>
        mac === EVERYBODY
          ? line(`fdb append ${mac} dev ${link} dst ${underlay}`)
          : line(`fdb replace ${mac} dev ${link} dst ${underlay} static`),
      ),
  ];
}

function isTunnelOf(link: Link, wish: SegmentWish, observed: Observed, { port }: PlanOptions) {
  const { vxlan } = link;
  return (
    vxlan !== undefined &&
    vxlan.vni === wish.vni &&
    vxlan.port === port &&
    !vxlan.isLearning &&
    vxlan.local === (localOf(wish, observed) || vxlan.local)
  );
}

/** With IPv4 the kernel takes the source of each route; for IPv6 it must hear of the family. */
function localOf(wish: SegmentWish, { routes }: Observed): string {
  if (wish.underlay) return wish.underlay.text;
  if (familyOf(wish) === "ipv4") return "";
  const locals = wish.peers.map(({ underlay }) => routes.get(underlay.text));
  return locals.flatMap((route) => (route && "local" in route ? [route.local] : []))[0] ?? "";
}

/** What this agent has not made, it does not touch. */
function ownerProblem({ vni }: SegmentWish, foreign: readonly Link[], { port }: PlanOptions) {
  const names = new Set([bridgeName(vni), tunnelName(vni)]);
  const other = foreign.find(
    ({ name, vxlan }) => names.has(name) || (vxlan?.vni === vni && vxlan.port === port),
  );
  return other
    ? `vni ${vni}: got interface ${other.name} that somebody else made, expected none or this agent's own`
    : undefined;
}

/** A segment must not take the machine's own routes away. */
function placeProblem({ network }: SegmentWish, taken: readonly TakenNetwork[]) {
  const other = taken.find((each) => overlaps(each.network, network));
  return other
    ? `address: got ${textOf(network)}, expected a network that ${other.device} (${textOf(other.network)}) has no part in`
    : undefined;
}

interface TakenNetwork {
  device: string;
  network: Network;
}

function takenNetworks(foreign: readonly Link[]): TakenNetwork[] {
  return foreign.flatMap(({ name, addresses }) =>
    addresses.map((address) => ({ device: name, network: readNetwork(address)! })),
  );
}

/** Interfaces of this agent that belong to no wished segment. */
function leftovers(
  observed: Observed,
  wishes: readonly SegmentWish[],
  { group, inUse }: PlanOptions,
) {
  const names = new Set(wishes.flatMap(({ vni }) => [bridgeName(vni), tunnelName(vni)]));
  const all = [...observed.links.values()].filter(
    (link) => link.group === group && !names.has(link.name),
  );
  const isKept = (link: Link) => {
    const name = segmentOf(link, observed);
    const bridge = link.master === "" ? link : observed.links.get(link.master);
    const isInTheWay = bridge?.addresses.some((address) =>
      wishes.some(({ network }) => overlaps(readNetwork(address)!, network)),
    );
    return inUse.has(name) && !wishes.some((wish) => wish.name === name) && !isInTheWay;
  };
  const kept = all.filter(isKept).map((link) => segmentOf(link, observed));
  return { removed: all.filter((link) => !isKept(link)), kept: [...new Set(kept)] };
}

/** The name of the segment that an interface was made for, as its bridge tells; else its own. */
export function segmentOf(link: Link, { links }: Observed): string {
  const { alias } = links.get(link.master) ?? link;
  return alias.startsWith(ALIAS) ? alias.slice(ALIAS.length) : link.name;
}

const ip = (segment: string, text: string): Line => ({ tool: "ip", segment, text });
const keyOf = ({ mac, underlay }: Forwarding) => `${mac} ${underlay}`;
