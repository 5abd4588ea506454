/**
 * A mesh in virtual time: the control plane of real nodes (`src/core`) over links that are none. Repeatable by its seed. After every step it looks
 * whether a route that has changed leads back to where it began.
 */
import type { Random } from "@glassline/service/random";

import type { ControlEffect, ControlEvent, ControlMessage } from "../src/core/control-plane.ts";
import { ControlPlane } from "../src/core/control-plane.ts";
import type { LinkPrice } from "../src/core/link-price.ts";
import type { Routing } from "../src/core/routing/routing.ts";
import { EventQueue } from "./event-queue.ts";

export interface Conditions {
  /** One way, least and most, milliseconds. */
  delayMs: readonly [number, number];
  /** How late an end is told that a link was taken down, most. */
  toldWithinMs: number;
  /** Shares of messages. Links of real nodes bring all, in order: with any of these, what must hold is only that nothing loops. */
  lost: number;
  doubled: number;
  reordered: number;
}

export const ORDERLY: Conditions = {
  delayMs: [0.1, 20],
  toldWithinMs: 1_000,
  lost: 0,
  doubled: 0,
  reordered: 0,
};
/** As in one building, with links that bring all. */
export const NEAR: Conditions = {
  delayMs: [0.2, 1],
  toldWithinMs: 0,
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
  plane: ControlPlane;
  life: number;
  ends: Map<string, End>;
  /** Those whom a wire leads to, noticed or not. */
  around: Set<string>;
  /** It stands still: it hears and says nothing, and its neighbours are not told. */
  isDead: boolean;
  pausedUntilMs: number;
  tickAtMs: number;
}

interface Wire {
  session: number;
  /** When the last message to an end arrives. */
  lastMs: Record<string, number>;
}

/** A node that is given up while the wire is there is dialled again after this, at least and at most. */
const REDIAL_MS = [100, 1_000] as const;

export class VirtualMesh {
  nowMs = 0;
  /** What routing cores were told. */
  routingEvents = 0;
  messages = 0;
  /** Told of each message. */
  onMessage: (from: string, message: ControlMessage) => void = () => {};
  readonly names: string[] = [];
  /** Each is the way from a node back to itself. */
  readonly loops: string[] = [];
  readonly #random: Random;
  readonly #conditions: Conditions;
  readonly #queue = new EventQueue();
  readonly #nodes = new Map<string, Node>();
  /** By both names, in their order. */
  readonly #wires = new Map<string, Wire>();
  /** What an end pays, by its name and that of the other one. */
  readonly #prices = new Map<string, number>();
  #lives = 0;
  #sessions = 0;

  constructor(random: Random, conditions: Conditions) {
    this.#random = random;
    this.#conditions = conditions;
  }

  add(name: string): void {
    if (!this.#nodes.has(name)) this.names.push(name);
    const life = ++this.#lives;
    const price: LinkPrice = (_monitor, neighbour) =>
      this.#prices.get(`${name} ${neighbour}`) ?? 100;
    const plane = new ControlPlane(name, life, price);
    const [ends, around] = [new Map<string, End>(), new Set<string>()];
    const [isDead, pausedUntilMs, tickAtMs] = [false, 0, Infinity];
    this.#nodes.set(name, { name, plane, life, ends, around, isDead, pausedUntilMs, tickAtMs });
  }

  /** Ends without a word, and begins anew with the same name and no memory. Its wires are gone. */
  restart(name: string): void {
    for (const other of this.neighbours(name)) this.disconnect(name, other);
    this.add(name);
  }

  /** Ends without a word. */
  kill(name: string): void {
    this.#nodes.get(name)!.isDead = true;
  }

  /** Stands still for so long: what comes meanwhile is read then. */
  pause(name: string, lengthMs: number): void {
    const node = this.#nodes.get(name)!;
    node.pausedUntilMs = this.nowMs + lengthMs;
  }

  neighbours(name: string): string[] {
    return [...(this.#nodes.get(name)?.around ?? [])];
  }

  isConnected(a: string, b: string): boolean {
    return this.#wires.has(keyOf(a, b));
  }

  /** The first of both hears of it first, and speaks first. */
  connect(a: string, b: string, costs: readonly [number, number] = [100, 100]): void {
    this.#prices.set(`${a} ${b}`, costs[0]);
    this.#prices.set(`${b} ${a}`, costs[1]);
    this.#nodes.get(a)!.around.add(b);
    this.#nodes.get(b)!.around.add(a);
    this.#dial(a, b);
  }

  #dial(a: string, b: string): void {
    const [firstMs, secondMs] = [this.nowMs, this.nowMs + this.#delay()];
    const wire = { session: ++this.#sessions, lastMs: { [a]: firstMs, [b]: secondMs } };
    this.#wires.set(keyOf(a, b), wire);
    this.#queue.put(firstMs, () => this.#up(a, b, wire));
    this.#queue.put(secondMs, () => this.#up(b, a, wire));
  }

  /** What is under way is lost. @param isTold both ends hear of it some time; otherwise they have to notice. */
  disconnect(a: string, b: string, isTold = true): void {
    const wire = this.#wires.get(keyOf(a, b));
    this.#wires.delete(keyOf(a, b));
    for (const [at, other] of [
      [a, b],
      [b, a],
    ] as const) {
      this.#nodes.get(at)?.around.delete(other);
      if (isTold && wire) this.#tellDown(at, other, wire.session);
    }
  }

  #tellDown(at: string, other: string, session: number): void {
    const life = this.#nodes.get(at)?.life;
    this.#queue.put(this.nowMs + this.#random() * this.#conditions.toldWithinMs, () => {
      const node = this.#nodes.get(at);
      if (node?.life !== life || node?.ends.get(other)?.session !== session) return;
      node.ends.delete(other);
      this.#step(node, { type: "link-down", neighbour: other });
    });
  }

  /** The end finds another price when it measures the next time. */
  price(at: string, neighbour: string, cost: number): void {
    this.#prices.set(`${at} ${neighbour}`, cost);
    const node = this.#nodes.get(at);
    if (node?.ends.has(neighbour)) this.#step(node, { type: "price", neighbour });
  }

  offer(name: string, services: readonly string[]): void {
    const node = this.#nodes.get(name);
    if (node) this.#step(node, { type: "services", services });
  }

  /** A packet each interval until then. @returns the moments at which they arrived. */
  flow(from: string, to: string, intervalMs: number, untilMs: number): number[] {
    const arrivals: number[] = [];
    for (let atMs = this.nowMs; atMs < untilMs; atMs += intervalMs)
      this.#queue.put(atMs, () => this.#carry(this.#nodes.get(from)!, to, arrivals));
    return arrivals;
  }

  #carry(node: Node, to: string, arrivals: number[]): void {
    if (node.isDead) return;
    if (node.name === to) return void arrivals.push(this.nowMs);
    const nextHop = node.plane.routing.routeTo(to)?.nextHop;
    if (nextHop === undefined) return;
    this.#step(node, { type: "data-sent", neighbour: nextHop });
    const next = this.#across(node, nextHop);
    if (!next) return;
    this.#queue.put(this.nowMs + this.#delay(), () => {
      if (next.isDead) return;
      this.#step(next, { type: "data-heard", neighbour: node.name });
      this.#carry(next, to, arrivals);
    });
  }

  /** The neighbour, if a packet on this link is read there. */
  #across(node: Node, neighbour: string): Node | undefined {
    const { session } = this.#wires.get(keyOf(node.name, neighbour)) ?? {};
    const other = this.#nodes.get(neighbour);
    const isShared =
      node.ends.get(neighbour)?.session === session &&
      other?.ends.get(node.name)?.session === session;
    return session !== undefined && isShared ? other : undefined;
  }

  /** Until then, or until routing cores were told so much. */
  run(untilMs: number, eventsMax = Infinity): void {
    while (this.routingEvents < eventsMax) {
      const nextMs = this.#queue.nextMs;
      if (nextMs === undefined || nextMs > untilMs) break;
      this.nowMs = nextMs;
      this.#queue.take()!.happen();
    }
    this.nowMs = Math.max(this.nowMs, untilMs);
  }

  routing(name: string): Routing {
    return this.#nodes.get(name)!.plane.routing;
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
    if (node.isDead || neighbour.isDead) return;
    const { life } = neighbour;
    const isAnother = node.ends.get(other)?.life !== life;
    node.ends.set(other, { session: wire.session, life });
    this.#step(node, { type: "link-up", neighbour: other, isAnother });
  }

  #step(node: Node, event: ControlEvent): void {
    if (node.isDead) return;
    if (this.nowMs < node.pausedUntilMs)
      return this.#queue.put(node.pausedUntilMs, () => this.#step(node, event));
    const { routing } = node.plane;
    if (isAboutRoutes(event)) this.routingEvents++;
    const effects = node.plane.step(event, this.nowMs);
    for (const origin of routing.takeChanged()) this.#lookForLoop(node.name, origin);
    for (const effect of effects) this.#carryOut(node, effect);
    this.#wake(node);
  }

  #carryOut(node: Node, effect: ControlEffect): void {
    if (effect.type === "send") return this.#send(node, effect.to, effect.message);
    const { neighbour } = effect;
    const end = node.ends.get(neighbour);
    node.ends.delete(neighbour);
    const key = keyOf(node.name, neighbour);
    const wire = this.#wires.get(key);
    if (!wire || end?.session !== wire.session) return;
    // It was not dead: the other end sees the link closed, and somebody dials again.
    this.#wires.delete(key);
    this.#tellDown(neighbour, node.name, wire.session);
    const [least, most] = REDIAL_MS;
    this.#queue.put(this.nowMs + least + this.#random() * (most - least), () => {
      const isWired = this.#nodes.get(node.name)?.around.has(neighbour);
      if (isWired && !this.#wires.has(key)) this.#dial(node.name, neighbour);
    });
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
    const nextHop = node?.plane.routing.routeTo(to)?.nextHop;
    if (!node || nextHop === undefined) return undefined;
    const life = this.#nodes.get(nextHop)?.life;
    return life !== undefined && node.ends.get(nextHop)?.life === life ? nextHop : undefined;
  }

  #wake(node: Node): void {
    const { dueMs } = node.plane;
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

  #send(from: Node, to: string, message: ControlMessage): void {
    this.messages++;
    this.onMessage(from.name, message);
    const wire = this.#wires.get(keyOf(from.name, to));
    if (!wire || from.ends.get(to)?.session !== wire.session) return;
    const { lost, doubled } = this.#conditions;
    if (lost > 0 && this.#random() < lost) return;
    this.#deliver(from.name, to, wire, message);
    if (doubled > 0 && this.#random() < doubled) this.#deliver(from.name, to, wire, message);
  }

  #deliver(from: string, to: string, wire: Wire, message: ControlMessage): void {
    const { reordered } = this.#conditions;
    const isOrderly = reordered === 0 || this.#random() >= reordered;
    const soonestMs = this.nowMs + this.#delay();
    const atMs = isOrderly ? Math.max(soonestMs, wire.lastMs[to]!) : soonestMs + this.#delay();
    if (isOrderly) wire.lastMs[to] = atMs;
    this.#queue.put(atMs, () => {
      const node = this.#nodes.get(to);
      if (!node || this.#wires.get(keyOf(from, to)) !== wire) return;
      if (node.ends.get(from)?.session !== wire.session) return;
      this.#step(node, { type: "heard", neighbour: from, message });
    });
  }

  #delay(): number {
    const [least, most] = this.#conditions.delayMs;
    return least + this.#random() * (most - least);
  }
}

/** Of a link, whichever end is named first. */
export const keyOf = (a: string, b: string): string => (a < b ? `${a} ${b}` : `${b} ${a}`);

function isAboutRoutes(event: ControlEvent): boolean {
  if (event.type === "heard")
    return event.message.type === "update" || event.message.type === "request";
  return event.type !== "tick" && event.type !== "data-heard" && event.type !== "data-sent";
}
