import { seededRandom } from "@glassline/service/random";
import { describe, expect, test } from "vitest";

import type { RoutingEvent, RoutingState } from "./routing.ts";
import { advertisements, nearestService, newRouting, noteTold, stepRouting } from "./routing.ts";

/** A mesh in virtual time: messages on each link arrive in order, after any delay. */
class Mesh {
  readonly nodes = new Map<string, RoutingState>();
  readonly links = new Set<string>();
  readonly #queues = new Map<string, RoutingEvent[]>();
  #seqno = 100;

  add(name: string): void {
    this.nodes.set(name, newRouting(name, this.#seqno));
  }

  remove(name: string): void {
    for (const other of this.neighbours(name)) this.disconnect(name, other);
    this.nodes.delete(name);
  }

  neighbours(name: string): string[] {
    return [...this.links]
      .map((link) => link.split(" "))
      .filter(([from]) => from === name)
      .map(([, to]) => to!);
  }

  connect(a: string, b: string, cost = 10): void {
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      this.links.add(`${from} ${to}`);
      this.#queues.set(`${from} ${to}`, []);
    }
    this.step(a, { type: "link-up", neighbour: b, cost, nowSeqno: ++this.#seqno });
    this.step(b, { type: "link-up", neighbour: a, cost, nowSeqno: ++this.#seqno });
  }

  disconnect(a: string, b: string): void {
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      this.links.delete(`${from} ${to}`);
      this.#queues.delete(`${from} ${to}`);
    }
    this.step(a, { type: "link-down", neighbour: b, nowSeqno: ++this.#seqno });
    this.step(b, { type: "link-down", neighbour: a, nowSeqno: ++this.#seqno });
  }

  step(name: string, event: RoutingEvent): void {
    const { state, tell } = stepRouting(this.nodes.get(name)!, event);
    const update = { type: "update", neighbour: name, routes: advertisements(state) } as const;
    this.nodes.set(name, tell ? noteTold(state) : state);
    if (!tell) return;
    for (const neighbour of this.neighbours(name))
      this.#queues.get(`${name} ${neighbour}`)!.push(update);
  }

  renewAll(): void {
    for (const name of this.nodes.keys())
      this.step(name, { type: "renew", nowSeqno: ++this.#seqno });
  }

  /** Delivers one message that waits; false when there is none. */
  deliver(random: () => number): boolean {
    const waiting = [...this.#queues].filter(([, queue]) => queue.length > 0);
    const [link, queue] = waiting[Math.floor(random() * waiting.length)] ?? [];
    if (!link || !queue) return false;
    this.step(link.split(" ")[1]!, queue.shift()!);
    return true;
  }

  settle(random = Math.random): void {
    for (let turn = 0; turn < 200_000; turn++) if (!this.deliver(random)) return;
    throw new Error("the mesh does not settle");
  }

  /** The nodes on the way; ends with the destination, or with a node that knows no way. Throws on a loop. */
  path(from: string, to: string): string[] {
    const path = [from];
    for (let at = from; at !== to;) {
      const next = this.nodes.get(at)?.selected.get(to)?.nextHop;
      if (next === undefined || !this.nodes.has(next)) return path;
      if (path.includes(next)) throw new Error(`loop: ${[...path, next].join(" -> ")}`);
      path.push(next);
      at = next;
    }
    return path;
  }
}

function triangle(): Mesh {
  const mesh = new Mesh();
  for (const name of ["node-1", "node-2", "node-3"]) mesh.add(name);
  mesh.connect("node-1", "node-2");
  mesh.connect("node-1", "node-3", 30);
  mesh.connect("node-2", "node-3");
  mesh.settle();
  return mesh;
}

describe("routing", () => {
  test("finds the cheapest way and another one when a link or a node is gone", () => {
    const mesh = triangle();
    expect(mesh.path("node-1", "node-3")).toEqual(["node-1", "node-2", "node-3"]);
    mesh.remove("node-2");
    mesh.settle();
    expect(mesh.path("node-1", "node-3")).toEqual(["node-1", "node-3"]);
    expect(mesh.nodes.get("node-1")!.selected.has("node-2")).toBe(false);
  });

  test("knows the nearest node of a service, and follows it when it moves", () => {
    const mesh = triangle();
    const nearest = () => nearestService(mesh.nodes.get("node-1")!, "collector");
    expect(nearest()).toBeUndefined();
    mesh.step("node-2", { type: "services", services: ["collector"], nowSeqno: 900 });
    mesh.step("node-3", { type: "services", services: ["collector"], nowSeqno: 900 });
    mesh.settle();
    expect(nearest()).toBe("node-2");
    mesh.step("node-2", { type: "services", services: [], nowSeqno: 901 });
    mesh.settle();
    expect(nearest()).toBe("node-3");
  });

  test("keeps the way in use while another is better by little only", () => {
    const mesh = triangle();
    mesh.step("node-1", { type: "link-cost", neighbour: "node-3", cost: 19 });
    mesh.renewAll();
    mesh.settle();
    expect(mesh.path("node-1", "node-3")).toEqual(["node-1", "node-2", "node-3"]);
    mesh.step("node-1", { type: "link-cost", neighbour: "node-3", cost: 5 });
    mesh.renewAll();
    mesh.settle();
    expect(mesh.path("node-1", "node-3")).toEqual(["node-1", "node-3"]);
  });

  test("a node that comes back with a clock that is behind by little is found again", () => {
    const mesh = triangle();
    mesh.remove("node-3");
    mesh.settle();
    mesh.add("node-3");
    mesh.connect("node-2", "node-3");
    mesh.settle();
    expect(mesh.path("node-1", "node-3")).toEqual(["node-1", "node-2", "node-3"]);
  });

  test.each(Array.from({ length: 40 }, (_, seed) => seed + 1))(
    "never loops, whatever comes when, and finds every way in the end; seed %i",
    (seed) => {
      const random = seededRandom(seed);
      const mesh = new Mesh();
      const names = Array.from({ length: 8 }, (_, at) => `n${at}`);
      names.forEach((name) => mesh.add(name));
      const pick = () => names[Math.floor(random() * names.length)]!;
      for (let turn = 0; turn < 600; turn++) {
        const [a, b] = [pick(), pick()];
        const linked = mesh.links.has(`${a} ${b}`);
        if (a !== b && !linked && random() < 0.1) mesh.connect(a, b, 1 + Math.floor(random() * 50));
        else if (linked && random() < 0.1) mesh.disconnect(a, b);
        else if (random() < 0.02) mesh.renewAll();
        else mesh.deliver(random);
        for (const from of names) for (const to of names) mesh.path(from, to);
      }
      mesh.settle(random);
      mesh.renewAll();
      mesh.settle(random);
      for (const from of names) {
        const reachable = new Set([from]);
        for (const at of reachable) mesh.neighbours(at).forEach((next) => reachable.add(next));
        for (const to of reachable) expect(mesh.path(from, to).at(-1)).toBe(to);
      }
    },
  );
});
