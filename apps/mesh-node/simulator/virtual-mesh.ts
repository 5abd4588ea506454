/**
 * A mesh in virtual time: the routing core of real nodes (`src/core/routing`) over links that are none. Repeatable by its seed. After every step it
 * looks whether the route that has changed leads back to where it began.
 */
import type { Random } from "@glassline/service/random";

import type { RoutingEvent, RoutingMessage } from "../src/core/routing/routing.ts";
import { Routing } from "../src/core/routing/routing.ts";
import { EventQueue } from "./event-queue.ts";

export interface Conditions {
  /** One way, least and most, milliseconds. */
  delayMs: readonly [number, number];
  /** How long an end does not notice that the link has gone, most. */
  noticedWithinMs: number;
  /** Shares of messages. Links of real nodes bring all, in order: with any of these, what must hold is only that nothing loops. */
  lost: number;
  doubled: number;
  reordered: number;
}

export const ORDERLY: Conditions = {
  delayMs: [0.1, 20],
  noticedWithinMs: 1_000,
  lost: 0,
  doubled: 0,
  reordered: 0,
};
export const LAWLESS: Conditions = { ...ORDERLY, lost: 0.1, doubled: 0.1, reordered: 0.3 };

/** One end's view of a link. */
interface End {
  session: number;
  /** Which life of the other node it leads to. */
  life: number;
}

interface Node {
  name: string;
  routing: Routing;
  life: number;
  ends: Map<string, End>;
  /** Those whom a link leads to, noticed or not. */
  around: Set<string>;
  tickAtMs: number;
}

interface Wire {
  session: number;
  costs: Record<string, number>;
  /** When the last message to an end arrives. */
  lastMs: Record<string, number>;
}

export class VirtualMesh {
  nowMs = 0;
  /** Steps of routing cores. */
  steps = 0;
  messages = 0;
  readonly names: string[] = [];
  /** Each is the way from a node back to itself. */
  readonly loops: string[] = [];
  readonly #random: Random;
  readonly #conditions: Conditions;
  readonly #queue = new EventQueue();
  readonly #nodes = new Map<string, Node>();
  /** By both names, in their order. */
  readonly #wires = new Map<string, Wire>();
  #lives = 0;
  #sessions = 0;

  constructor(random: Random, conditions: Conditions) {
    this.#random = random;
    this.#conditions = conditions;
  }

  add(name: string): void {
    if (!this.#nodes.has(name)) this.names.push(name);
    const life = ++this.#lives;
    const routing = new Routing(name, life);
    const [ends, around] = [new Map(), new Set<string>()];
    this.#nodes.set(name, { name, routing, life, ends, around, tickAtMs: Infinity });
  }

  /** Ends without a word, and begins anew with the same name and no memory. Its links are gone. */
  restart(name: string): void {
    for (const other of this.neighbours(name)) this.disconnect(name, other);
    this.add(name);
  }

  neighbours(name: string): string[] {
    return [...(this.#nodes.get(name)?.around ?? [])];
  }

  /** The first of both hears of it first, and speaks first. */
  connect(a: string, b: string, costs: readonly [number, number] = [100, 100]): void {
    const session = ++this.#sessions;
    const [firstMs, secondMs] = [this.nowMs, this.nowMs + this.#delay()];
    const wire: Wire = {
      session,
      costs: { [a]: costs[0], [b]: costs[1] },
      lastMs: { [a]: firstMs, [b]: secondMs },
    };
    this.#wires.set(keyOf(a, b), wire);
    this.#nodes.get(a)!.around.add(b);
    this.#nodes.get(b)!.around.add(a);
    this.#queue.put(firstMs, () => this.#up(a, b, wire));
    this.#queue.put(secondMs, () => this.#up(b, a, wire));
  }

  /** What is under way is lost. Each end notices when it does. */
  disconnect(a: string, b: string): void {
    const wire = this.#wires.get(keyOf(a, b));
    if (!wire) return;
    this.#wires.delete(keyOf(a, b));
    for (const [at, other] of [
      [a, b],
      [b, a],
    ] as const) {
      this.#nodes.get(at)?.around.delete(other);
      const life = this.#nodes.get(at)?.life;
      this.#queue.put(this.nowMs + this.#random() * this.#conditions.noticedWithinMs, () => {
        const node = this.#nodes.get(at);
        if (node?.life !== life || node?.ends.get(other)?.session !== wire.session) return;
        node.ends.delete(other);
        this.#step(node, { type: "link-down", neighbour: other });
      });
    }
  }

  price(at: string, neighbour: string, cost: number): void {
    const node = this.#nodes.get(at);
    if (node?.ends.has(neighbour)) this.#step(node, { type: "link-cost", neighbour, cost });
  }

  offer(name: string, services: readonly string[]): void {
    const node = this.#nodes.get(name);
    if (node) this.#step(node, { type: "services", services });
  }

  /** Until then, or until so many steps were made. */
  run(untilMs: number, stepsMax = Infinity): void {
    while (this.steps < stepsMax) {
      const nextMs = this.#queue.nextMs;
      if (nextMs === undefined || nextMs > untilMs) break;
      this.nowMs = nextMs;
      this.#queue.take()!.happen();
    }
    this.nowMs = Math.max(this.nowMs, untilMs);
  }

  routing(name: string): Routing {
    return this.#nodes.get(name)!.routing;
  }

  /** The nodes on the way; it ends with the destination, with a node that knows no way, or where the way leads to for the second time. */
  path(from: string, to: string): string[] {
    const path = [from];
    for (let at = from; at !== to; at = path.at(-1)!) {
      const next = this.#hop(at, to);
      if (next === undefined) return path;
      const isLoop = path.includes(next);
      path.push(next);
      if (isLoop) return path;
    }
    return path;
  }

  /** All nodes that links lead to. */
  reachable(from: string): Set<string> {
    const reached = new Set([from]);
    for (const at of reached) for (const next of this.neighbours(at)) reached.add(next);
    return reached;
  }

  #up(at: string, other: string, wire: Wire): void {
    const [node, neighbour] = [this.#nodes.get(at), this.#nodes.get(other)];
    if (!node || !neighbour || this.#wires.get(keyOf(at, other)) !== wire) return;
    const { life } = neighbour;
    const isAnother = node.ends.get(other)?.life !== life;
    node.ends.set(other, { session: wire.session, life });
    this.#step(node, { type: "link-up", neighbour: other, cost: wire.costs[at]!, isAnother });
  }

  #step(node: Node, event: RoutingEvent): void {
    this.steps++;
    const { routing } = node;
    const before = hopsOf(routing, event);
    const out = routing.step(event, this.nowMs);
    for (const [origin, nextHop] of before)
      if (routing.routeTo(origin)?.nextHop !== nextHop) this.#lookForLoop(node.name, origin);
    for (const message of out) this.#send(node, message);
    this.#wake(node);
  }

  #lookForLoop(from: string, origin: string): void {
    let at: string | undefined = this.#hop(from, origin);
    for (let hops = 0; at !== undefined && at !== origin && hops < this.#nodes.size; hops++) {
      if (at === from) return void this.loops.push(this.path(from, origin).join(" -> "));
      at = this.#hop(at, origin);
    }
  }

  /** A packet on a link to an earlier life of the neighbour is not read there. */
  #hop(at: string, to: string): string | undefined {
    const node = this.#nodes.get(at);
    const nextHop = node?.routing.routeTo(to)?.nextHop;
    if (!node || nextHop === undefined) return undefined;
    const life = this.#nodes.get(nextHop)?.life;
    return life !== undefined && node.ends.get(nextHop)?.life === life ? nextHop : undefined;
  }

  #wake(node: Node): void {
    const dueMs = node.routing.dueMs ?? Infinity;
    // An earlier tick may come for nothing; a later one would be late.
    if (dueMs >= node.tickAtMs) return;
    node.tickAtMs = dueMs;
    const { life } = node;
    this.#queue.put(Math.max(dueMs, this.nowMs), () => {
      if (this.#nodes.get(node.name)?.life !== life || node.tickAtMs !== dueMs) return;
      node.tickAtMs = Infinity;
      this.#step(node, { type: "tick" });
    });
  }

  #send(from: Node, { to, ...message }: RoutingMessage): void {
    this.messages++;
    const wire = this.#wires.get(keyOf(from.name, to));
    if (!wire || from.ends.get(to)?.session !== wire.session) return;
    const { lost, doubled } = this.#conditions;
    if (lost > 0 && this.#random() < lost) return;
    this.#deliver(from.name, to, wire, message);
    if (doubled > 0 && this.#random() < doubled) this.#deliver(from.name, to, wire, message);
  }

  #deliver(from: string, to: string, wire: Wire, message: Omit<RoutingMessage, "to">): void {
    const { reordered } = this.#conditions;
    const isOrderly = reordered === 0 || this.#random() >= reordered;
    const soonestMs = this.nowMs + this.#delay();
    const atMs = isOrderly ? Math.max(soonestMs, wire.lastMs[to]!) : soonestMs + this.#delay();
    if (isOrderly) wire.lastMs[to] = atMs;
    this.#queue.put(atMs, () => {
      const node = this.#nodes.get(to);
      if (!node || this.#wires.get(keyOf(from, to)) !== wire) return;
      if (node.ends.get(from)?.session !== wire.session) return;
      this.#step(node, { ...message, neighbour: from } as RoutingEvent);
    });
  }

  #delay(): number {
    const [least, most] = this.#conditions.delayMs;
    return least + this.#random() * (most - least);
  }
}

const keyOf = (a: string, b: string): string => (a < b ? `${a} ${b}` : `${b} ${a}`);

/** The next hops of what the event may change. */
function hopsOf(routing: Routing, event: RoutingEvent): [string, string | undefined][] {
  if (event.type === "request" || event.type === "services" || event.type === "tick") return [];
  if (event.type === "update" && !event.isFull)
    return event.routes.map(({ origin }) => [origin, routing.routeTo(origin)?.nextHop]);
  const all = [...routing.routes()].map(({ origin, nextHop }) => [origin, nextHop] as const);
  const hops = new Map<string, string | undefined>(all);
  if (event.type === "update")
    for (const { origin } of event.routes) if (!hops.has(origin)) hops.set(origin, undefined);
  return [...hops];
}
