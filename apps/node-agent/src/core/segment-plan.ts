/** What is to be done that a machine has the segments that are wished, and no others. Pure. */
import type { Network } from "./address.ts";
import { overlaps, readNetwork, textOf } from "./address.ts";
import type { Link, Observed } from "./network-state.ts";
import type { Line, LineOptions } from "./segment-lines.ts";
import { ALIAS, comingServices, linesFor } from "./segment-lines.ts";
import { devicesByAddress, mtuOf } from "./segment-mtu.ts";
import type { SegmentWish } from "./segment-wish.ts";
import { bridgeName, tunnelName } from "./segment-wish.ts";
import { isInMesh } from "./wireguard.ts";

export interface Plan {
  /** In this order; those of one tool may be run as one batch, `ip` first. */
  lines: readonly Line[];
  /** Why nothing is done for a segment, by its name. */
  blocked: ReadonlyMap<string, string>;
  /** Segments that are there, not wished, and left for now because an edge uses them. */
  kept: readonly string[];
  /** Segments that are there and not wished; some of them are left for the next pass when they are very many. */
  unwanted: readonly string[];
  /** Segments that get addresses of services. */
  announced: readonly SegmentWish[];
}

export interface PlanOptions extends LineOptions {
  /** What is to be removed is of this group until it is. */
  wasteGroup: string;
  /** Names of segments that edges use. */
  inUse: ReadonlySet<string>;
  /** WireGuard below encrypted segments: its interface, and why there is none. */
  mesh: { name: string; problem: string };
}

/** Interfaces, as one group. */
const REMOVED_AT_ONCE = 64;
/** Interfaces, by one pass. */
const REMOVED_MAX = 512;

export function planSegments(
  all: Observed,
  wishes: readonly SegmentWish[],
  options: PlanOptions,
): Plan {
  const { observed, waste } = withoutWaste(all, options);
  const blocked = new Map<string, string>();
  const foreign = [...observed.links.values()].filter(({ group }) => group !== options.group);
  const taken = takenNetworks(foreign);
  const devices = devicesByAddress(observed.links);
  const entries = {
    forwarding: Map.groupBy(observed.forwarding, ({ link }) => link),
    placements: Map.groupBy(observed.placements, ({ link }) => link),
  };
  const { removed, kept } = leftovers(observed, wishes, options);
  const lines = removal(removed, waste, observed, options);
  for (const wish of wishes) {
    const fit = mtuOf(wish, observed, devices);
    const reason =
      (wish.isEncrypted && options.mesh.problem !== "" ? options.mesh.problem : undefined) ??
      ownerProblem(wish, foreign, options) ??
      placeProblem(wish, taken) ??
      ("problem" in fit ? fit.problem : undefined);
    if (reason !== undefined) {
      blocked.set(wish.name, reason);
      lines.push(...closing(wish, observed, options));
    } else if ("mtu" in fit) lines.push(...linesFor(wish, fit.mtu, observed, entries, options));
  }
  const announced = wishes.filter(
    (wish) => !blocked.has(wish.name) && comingServices(wish, observed).length > 0,
  );
  const unwanted = new Set([...removed, ...waste].map((link) => segmentOf(link, all)));
  return { lines, blocked, kept, unwanted: [...unwanted], announced };
}

/** What an earlier life was about to remove is as good as gone. */
function withoutWaste(observed: Observed, { wasteGroup }: PlanOptions) {
  const waste = [...observed.links.values()].filter(({ group }) => group === wasteGroup);
  if (waste.length === 0) return { observed, waste };
  const links = new Map([...observed.links].filter(([, { group }]) => group !== wasteGroup));
  return { observed: { ...observed, links }, waste };
}

/**
 * The kernel removes a group of interfaces much faster than one after the other: it waits fewer times for whoever still looks at them.
 * Nobody else can change the network meanwhile, so groups are small, and very many take several passes.
 */
function removal(
  removed: readonly Link[],
  waste: readonly Link[],
  observed: Observed,
  { wasteGroup }: PlanOptions,
): Line[] {
  const line = (link: Link, text: string): Line => ({
    tool: "ip",
    segment: segmentOf(link, observed),
    text,
    isNarrowing: true,
  });
  const remove = (link: Link) => line(link, `link delete group ${wasteGroup}`);
  const all = removed.slice(0, REMOVED_MAX);
  return [
    ...waste.slice(0, 1).map(remove),
    ...all.flatMap((link, at) => [
      line(link, `link set dev ${link.name} group ${wasteGroup}`),
      ...((at + 1) % REMOVED_AT_ONCE === 0 || at === all.length - 1 ? [remove(link)] : []),
    ]),
  ];
}

/** What shall be encrypted and cannot be is not open instead. */
function closing(wish: SegmentWish, { links }: Observed, { group }: PlanOptions): Line[] {
  if (!wish.isEncrypted) return [];
  const tunnels = wish.tunnels.flatMap(({ vni }) => links.get(tunnelName(vni)) ?? []);
  return tunnels
    .filter((link) => link.group === group && link.vxlan && !isInMesh(link.vxlan.local))
    .map(({ name }) => ({
      tool: "ip",
      segment: wish.name,
      text: `link delete dev ${name}`,
      isNarrowing: true,
    }));
}

/** What this agent has not made, it does not touch. */
function ownerProblem(wish: SegmentWish, foreign: readonly Link[], { port }: PlanOptions) {
  const names = new Set(namesOf(wish));
  const vnis = new Set(wish.tunnels.map(({ vni }) => vni));
  const other = foreign.find(
    ({ name, vxlan }) => names.has(name) || (vxlan?.port === port && vnis.has(vxlan.vni)),
  );
  return other
    ? `vni ${[...vnis].join(", ")}: got interface ${other.name} that somebody else made, expected none or this agent's own`
    : undefined;
}

const namesOf = ({ vni, tunnels }: SegmentWish) => [
  bridgeName(vni),
  ...tunnels.map((tunnel) => tunnelName(tunnel.vni)),
];

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
  { group, inUse, mesh }: PlanOptions,
) {
  const names = new Set([...wishes.flatMap(namesOf), mesh.name]);
  const all = [...observed.links.values()].filter(
    (link) => link.group === group && !names.has(link.name),
  );
  const wished = new Set(wishes.map(({ name }) => name));
  const isKept = (link: Link) => {
    const name = segmentOf(link, observed);
    if (!inUse.has(name) || wished.has(name)) return false;
    const bridge = link.master === "" ? link : observed.links.get(link.master);
    return !bridge?.addresses.some((address) =>
      wishes.some(({ network }) => overlaps(readNetwork(address)!, network)),
    );
  };
  const kept = all.filter(isKept);
  const removed = all.filter((link) => !isKept(link));
  const below = observed.links.get(mesh.name);
  const isMeshUsed =
    wishes.some(({ isEncrypted }) => isEncrypted) ||
    kept.some(({ vxlan }) => vxlan && isInMesh(vxlan.local));
  if (below?.group === group && !isMeshUsed) removed.push(below);
  return { removed, kept: [...new Set(kept.map((link) => segmentOf(link, observed)))] };
}

/** The name of the segment that an interface was made for, as its bridge tells; else its own. */
export function segmentOf(link: Link, { links }: Observed): string {
  const { alias } = links.get(link.master) ?? link;
  return alias.startsWith(ALIAS) ? alias.slice(ALIAS.length) : link.name;
}
