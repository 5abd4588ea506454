/** Meshes of a known shape. */
import type { Random } from "@glassline/service/random";

import type { Conditions } from "./virtual-mesh.ts";
import { VirtualMesh } from "./virtual-mesh.ts";

export const gridNode = (x: number, y: number): string => `node-${x}-${y}`;

/** Of `side` times `side` nodes, each with a link to the next ones. */
export function grid(side: number, random: Random, conditions: Conditions): VirtualMesh {
  const mesh = new VirtualMesh(random, conditions);
  const all = Array.from({ length: side }, (_, x) =>
    Array.from({ length: side }, (_, y) => [x, y]),
  );
  for (const [x, y] of all.flat()) mesh.add(gridNode(x!, y!));
  for (const [x, y] of all.flat() as [number, number][]) {
    if (x + 1 < side) mesh.connect(gridNode(x, y), gridNode(x + 1, y));
    if (y + 1 < side) mesh.connect(gridNode(x, y), gridNode(x, y + 1));
  }
  return mesh;
}

/** Each node knows a way to all that links lead to. */
export function isComplete(mesh: VirtualMesh): boolean {
  return mesh.names.every((from) => {
    const { size } = mesh.reachable(from);
    return [...mesh.routing(from).routes()].length === size - 1;
  });
}

/** Nodes that move in a square of 1 by 1: each goes to a place drawn by lot, then to another one. Those that are near have a link. */
export class MovingMesh {
  readonly mesh: VirtualMesh;
  readonly #random: Random;
  readonly #range: number;
  readonly #places = new Map<string, { at: Point; to: Point }>();

  /** @param range of a link. */
  constructor(nodes: number, range: number, random: Random, conditions: Conditions) {
    this.#random = random;
    this.#range = range;
    this.mesh = new VirtualMesh(random, conditions);
    for (let at = 0; at < nodes; at++) {
      this.mesh.add(`node-${at}`);
      this.#places.set(`node-${at}`, { at: this.#point(), to: this.#point() });
    }
    this.#link();
  }

  get links(): number {
    const ends = this.mesh.names.map((name) => this.mesh.neighbours(name).length);
    return ends.reduce((sum, count) => sum + count, 0) / 2;
  }

  /** @param distance that each node goes. Links that are too long for now are cut without a word. */
  move(distance: number): void {
    for (const place of this.#places.values()) {
      const left = length(place.at, place.to);
      if (left <= distance) [place.at, place.to] = [place.to, this.#point()];
      else place.at = between(place.at, place.to, distance / left);
    }
    this.#link();
  }

  #link(): void {
    const { mesh } = this;
    const { names } = mesh;
    for (const [at, a] of names.entries()) {
      for (const b of names.slice(at + 1)) {
        const isNear = length(this.#places.get(a)!.at, this.#places.get(b)!.at) <= this.#range;
        if (isNear && !mesh.isConnected(a, b)) mesh.connect(a, b);
        else if (!isNear && mesh.isConnected(a, b)) mesh.disconnect(a, b, false);
      }
    }
  }

  #point(): Point {
    return [this.#random(), this.#random()];
  }
}

type Point = readonly [number, number];

const length = (a: Point, b: Point): number => Math.hypot(a[0] - b[0], a[1] - b[1]);

const between = (a: Point, b: Point, share: number): Point => [
  a[0] + share * (b[0] - a[0]),
  a[1] + share * (b[1] - a[1]),
];
