import { compareNames } from "../format/order.ts";
import type { MeshGraph, MeshLink, MeshNode } from "./mesh-graph.ts";

export interface Point {
  x: number;
  y: number;
}

export interface PlacedNode extends MeshNode, Point {}

export interface PlacedLink extends MeshLink {
  path: string;
  label: Point;
}

export interface MeshLayout {
  width: number;
  height: number;
  nodes: PlacedNode[];
  links: PlacedLink[];
}

export const NODE_WIDTH = 128;
export const NODE_HEIGHT = 48;
const MARGIN = 14;

/** Distances between the middles of two nodes: along the way, and across it. */
const SIDEWAYS = { along: 256, across: 100 };
const DOWNWARDS = { along: 112, across: 192 };

/** Layers from the cameras to the collector, left to right, or downwards on a narrow screen. The same graph gives the same picture. */
export function layoutOf(graph: MeshGraph, downwards: boolean): MeshLayout {
  const { along, across } = downwards ? DOWNWARDS : SIDEWAYS;
  const layers = orderedLayers(graph);
  const widest = Math.max(1, ...layers.map((layer) => layer.length));
  const length = (layers.length - 1) * along + (downwards ? NODE_HEIGHT : NODE_WIDTH);
  const breadth = (widest - 1) * across + (downwards ? NODE_WIDTH : NODE_HEIGHT);
  const nodes = layers.flatMap((layer, step) =>
    layer.map((node, index): PlacedNode => {
      const a = MARGIN + (downwards ? NODE_HEIGHT : NODE_WIDTH) / 2 + step * along;
      const b = MARGIN + breadth / 2 + (index - (layer.length - 1) / 2) * across;
      return { ...node, x: downwards ? b : a, y: downwards ? a : b };
    }),
  );
  const width = (downwards ? breadth : length) + 2 * MARGIN;
  const height = (downwards ? length : breadth) + 2 * MARGIN;
  return { width, height, nodes, links: placedLinks(graph.links, nodes, downwards) };
}

/** Nodes by layer; within one, each stands near the mean place of its neighbours in the layer before. */
function orderedLayers({ nodes, links }: MeshGraph): MeshNode[][] {
  const byLayer = Map.groupBy(nodes, ({ layer }) => layer);
  const place = new Map<string, number>();
  return [...byLayer.keys()]
    .toSorted((left, right) => left - right)
    .map((layer) => {
      const own = byLayer
        .get(layer)!
        .toSorted((left, right) => compareNames(left.name, right.name));
      const wanted = new Map(own.map(({ name }) => [name, meanPlace(name, links, place)]));
      own.sort((left, right) => wanted.get(left.name)! - wanted.get(right.name)!);
      own.forEach(({ name }, index) => place.set(name, index - (own.length - 1) / 2));
      return own;
    });
}

function meanPlace(
  name: string,
  links: readonly MeshLink[],
  place: ReadonlyMap<string, number>,
): number {
  const neighbours = links
    .filter(({ from, to }) => from === name || to === name)
    .map(({ from, to }) => place.get(from === name ? to : from))
    .filter((value) => value !== undefined);
  return neighbours.reduce((sum, value) => sum + value, 0) / (neighbours.length || 1);
}

function placedLinks(
  links: readonly MeshLink[],
  nodes: readonly PlacedNode[],
  downwards: boolean,
): PlacedLink[] {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  return links.flatMap((link) => {
    const ends = [byName.get(link.from), byName.get(link.to)];
    const [from, to] = ends.toSorted((left, right) => (left?.layer ?? 0) - (right?.layer ?? 0));
    return from && to ? [{ ...link, ...curveOf(from, to, downwards) }] : [];
  });
}

/** A line from edge to edge; links within a layer and over a layer bow out, so that they do not cross the nodes between. */
function curveOf(
  from: PlacedNode,
  to: PlacedNode,
  downwards: boolean,
): { path: string; label: Point } {
  if (from.layer === to.layer) return withinLayer(from, to, downwards);
  const start = downwards
    ? { x: from.x, y: from.y + NODE_HEIGHT / 2 }
    : { x: from.x + NODE_WIDTH / 2, y: from.y };
  const end = downwards
    ? { x: to.x, y: to.y - NODE_HEIGHT / 2 }
    : { x: to.x - NODE_WIDTH / 2, y: to.y };
  const half = downwards ? (end.y - start.y) / 2 : (end.x - start.x) / 2;
  const bow = to.layer - from.layer > 1 ? 64 : 0;
  const control = downwards
    ? `${start.x + bow} ${start.y + half} ${end.x + bow} ${end.y - half}`
    : `${start.x + half} ${start.y + bow} ${end.x - half} ${end.y + bow}`;
  const offset = bow * 0.75;
  const middle = { x: (start.x + end.x) / 2, y: (start.y + end.y) / 2 };
  return {
    path: `M${start.x} ${start.y}C${control} ${end.x} ${end.y}`,
    label: { x: middle.x + (downwards ? offset : 0), y: middle.y + (downwards ? 0 : offset) },
  };
}

function withinLayer(
  one: PlacedNode,
  other: PlacedNode,
  downwards: boolean,
): { path: string; label: Point } {
  const swap = downwards ? one.x > other.x : one.y > other.y;
  const [from, to] = swap ? [other, one] : [one, other];
  const start = downwards
    ? { x: from.x + NODE_WIDTH / 2, y: from.y }
    : { x: from.x, y: from.y + NODE_HEIGHT / 2 };
  const end = downwards
    ? { x: to.x - NODE_WIDTH / 2, y: to.y }
    : { x: to.x, y: to.y - NODE_HEIGHT / 2 };
  const near = downwards ? end.x - start.x < NODE_WIDTH : end.y - start.y < NODE_HEIGHT * 1.5;
  const bow = near ? 0 : NODE_WIDTH / 2 + 24;
  const middle = { x: (start.x + end.x) / 2, y: (start.y + end.y) / 2 };
  const control = downwards ? `${middle.x} ${middle.y + bow}` : `${middle.x + bow} ${middle.y}`;
  const shift = bow / 2;
  return {
    path: `M${start.x} ${start.y}Q${control} ${end.x} ${end.y}`,
    label: { x: middle.x + (downwards ? 0 : shift), y: middle.y + (downwards ? shift : 0) },
  };
}
