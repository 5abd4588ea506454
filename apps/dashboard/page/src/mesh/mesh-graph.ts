import type { GetOverviewResponse } from "@glassline/proto/dashboard";
import type { GetStatusResponse } from "@glassline/proto/mesh";

export type NodeKind = "cameras" | "gateway" | "relay" | "collector";

export interface MeshNode {
  name: string;
  kind: NodeKind;
  /** Steps from the cameras. */
  layer: number;
}

export interface MeshLink {
  from: string;
  to: string;
  up: boolean;
  /** On the way that measurements take at present. */
  inUse: boolean;
  /** Milliseconds; unknown for what is not a link of the mesh. */
  rttMs?: number;
  cost?: number;
}

export interface MeshGraph {
  nodes: MeshNode[];
  links: MeshLink[];
  /** Names along the way in use, from each gateway to the collector. */
  ways: string[][];
}

/** The cluster of all cameras is drawn as one node of this name. */
export const CAMERAS_NODE = "cameras";
const COLLECTOR_SERVICE = "collector";

/** What the answering nodes say about each other, as a graph from cameras to collector. */
export function meshGraphOf({ services, nodes }: GetOverviewResponse): MeshGraph {
  const collector = services.find(({ kind, reachable }) => kind === "collector" && reachable)?.name;
  const ways = nodes
    .filter(({ gateway }) => gateway?.egress)
    .map((node) => wayOf(node, nodes, collector));
  const stepsInUse = new Set(ways.flatMap(stepsOf));
  const layers = layersOf(nodes);
  const drawn = nodes.map((node): MeshNode => ({
    name: node.node,
    kind: node.gateway ? "gateway" : "relay",
    layer: layers.get(node.node)!,
  }));
  const links = [
    ...meshLinks(nodes, stepsInUse),
    ...cameraLinks(nodes),
    ...collectorLinks(nodes, stepsInUse, collector),
  ];
  const lastLayer = Math.max(0, ...layers.values()) + 1;
  if (nodes.some(({ gateway }) => gateway))
    drawn.unshift({ name: CAMERAS_NODE, kind: "cameras", layer: 0 });
  if (collector) drawn.push({ name: collector, kind: "collector", layer: lastLayer });
  return { nodes: drawn, links, ways };
}

/** Nodes from a gateway to its egress and on to the collector, as the routes of each say. */
function wayOf(
  gateway: GetStatusResponse,
  nodes: readonly GetStatusResponse[],
  collector: string | undefined,
): string[] {
  const egress = gateway.gateway!.egress;
  const way = [gateway.node];
  while (way.at(-1) !== egress && way.length <= nodes.length) {
    const here = nodes.find(({ node }) => node === way.at(-1));
    const next = here?.routes.find(({ origin }) => origin === egress)?.nextHop;
    if (!next || way.includes(next)) break;
    way.push(next);
  }
  return collector && way.at(-1) === egress ? [...way, collector] : way;
}

function stepsOf(way: readonly string[]): string[] {
  return way.slice(1).map((name, index) => pairOf(way[index]!, name));
}

function pairOf(left: string, right: string): string {
  return left < right ? `${left}\n${right}` : `${right}\n${left}`;
}

/** Gateways are one step from the cameras; every other node as many as its links need. */
function layersOf(nodes: readonly GetStatusResponse[]): Map<string, number> {
  const byName = new Map(nodes.map((node) => [node.node, node]));
  const gateways = nodes.filter(({ gateway }) => gateway);
  const layers = new Map(
    (gateways.length > 0 ? gateways : nodes.slice(0, 1)).map(({ node }) => [node, 1]),
  );
  // A map takes in what is set while it is walked: this is a search in breadth.
  for (const [name, layer] of layers)
    for (const { neighbour, up } of byName.get(name)?.links ?? [])
      if (up && byName.has(neighbour) && !layers.has(neighbour)) layers.set(neighbour, layer + 1);
  for (const { node } of nodes) if (!layers.has(node)) layers.set(node, 2);
  return layers;
}

function meshLinks(nodes: readonly GetStatusResponse[], inUse: ReadonlySet<string>): MeshLink[] {
  const names = new Set(nodes.map(({ node }) => node));
  const links = new Map<string, MeshLink>();
  for (const { node, links: own } of nodes)
    for (const { neighbour, up, rttMs, cost } of own) {
      const pair = pairOf(node, neighbour);
      if (!names.has(neighbour) || (links.has(pair) && !up)) continue;
      if (links.get(pair)?.up) continue;
      links.set(pair, { from: node, to: neighbour, up, inUse: up && inUse.has(pair), rttMs, cost });
    }
  return [...links.values()];
}

function cameraLinks(nodes: readonly GetStatusResponse[]): MeshLink[] {
  return nodes
    .filter(({ gateway }) => gateway)
    .map(({ node, gateway }) => ({
      from: CAMERAS_NODE,
      to: node,
      up: true,
      inUse: gateway!.agents > 0,
    }));
}

function collectorLinks(
  nodes: readonly GetStatusResponse[],
  inUse: ReadonlySet<string>,
  collector: string | undefined,
): MeshLink[] {
  if (!collector) return [];
  return nodes
    .filter(
      ({ node, services }) =>
        services.includes(COLLECTOR_SERVICE) || inUse.has(pairOf(node, collector)),
    )
    .map(({ node }) => ({
      from: node,
      to: collector,
      up: true,
      inUse: inUse.has(pairOf(node, collector)),
    }));
}
