/** Meshes of a known shape. */
import type { Random } from "@glassline/service/random";

import { Places } from "./places.ts";
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

/** Nodes that move; those that are near have a link. */
export class MovingMesh {
  readonly mesh: VirtualMesh;
  readonly #places: Places;

  /** @param range of a link. */
  constructor(nodes: number, range: number, random: Random, conditions: Conditions) {
    this.mesh = new VirtualMesh(random, conditions);
    this.#places = new Places(nodes, range, random);
    for (let at = 0; at < nodes; at++) this.mesh.add(`node-${at}`);
    this.#link();
  }

  get links(): number {
    return this.#places.near().length;
  }

  /** @param distance that each node goes. Links that are too long for now are cut without a word. */
  move(distance: number): void {
    this.#places.move(distance);
    this.#link();
  }

  #link(): void {
    const { mesh } = this;
    const near = new Set(this.#places.near().map(([a, b]) => `node-${a} node-${b}`));
    for (const [at, a] of mesh.names.entries())
      for (const b of mesh.names.slice(at + 1)) {
        const isNear = near.has(`${a} ${b}`);
        if (isNear && !mesh.isConnected(a, b)) mesh.connect(a, b);
        else if (!isNear && mesh.isConnected(a, b)) mesh.disconnect(a, b, false);
      }
  }
}
