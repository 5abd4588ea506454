/**
 * Distance-vector routing without loops, in no state and whatever is lost, late or doubled on the way: Babel's feasibility condition with sequence
 * numbers (RFC 8966 sections 2.4, 3.5 and 3.8), over links that bring messages in order. Nothing is told again from time to time: a neighbour hears
 * of what has changed, and whoever needs a new sequence number asks for it.
 *
 * `step(event, now)` gives the messages to send. It changes its own state and nothing else; time and messages come from outside.
 */
import type { Selected, Told, Wish } from "./destination.ts";
import { Destination } from "./destination.ts";
import { isFinite } from "./distance.ts";
import { Untold } from "./untold.ts";

export interface Advertisement extends Told {
  readonly origin: string;
}

export interface RouteUpdate {
  readonly type: "update";
  readonly routes: readonly Advertisement[];
  /** What is not in it is gone: the first one on each link. */
  readonly isFull: boolean;
}

export interface SeqnoRequest {
  readonly type: "request";
  readonly origin: string;
  readonly seqno: number;
  readonly hopLimit: number;
}

export type RoutingMessage = (RouteUpdate | SeqnoRequest) & { readonly to: string };

export type RoutingEvent =
  /** @prop isAnother the neighbour has begun anew: what it told is void. */
  | { type: "link-up"; neighbour: string; cost: number; isAnother: boolean }
  | { type: "link-cost"; neighbour: string; cost: number }
  | { type: "link-down"; neighbour: string }
  | ((RouteUpdate | SeqnoRequest) & { neighbour: string })
  | { type: "services"; services: readonly string[] }
  /** Something that was put off is due (`dueMs`). */
  | { type: "tick" };

interface Asking {
  seqno: number;
  tries: number;
  nextMs: number;
}

/** A way that costs so many times as much, or as little, is another one. */
const SMALL_CHANGE = 1.5;
/** An unanswered request is repeated after this, then after twice as long, and so on. */
const URGENT_RETRY_MS = 100;
const RETRY_MS = 2_000;
const RETRY_MAX_MS = 60_000;
/** The same request is passed on once within this time. */
const PASSED_MS = 50;
const SEQNO_MAX = 4_294_967_295;
/** Longer than any way. */
const HOP_LIMIT = 255;
/** A bound is forgotten when its destination was gone for so long: nobody has what was told before (RFC 8966 appendix B). */
const FORGET_MS = 180_000;
export const DESTINATIONS_MAX = 10_000;

export class Routing {
  readonly self: string;
  #seqno: number;
  #services: readonly string[] = [];
  readonly #costs = new Map<string, number>();
  readonly #neighbours = new Map<string, Untold>();
  readonly #destinations = new Map<string, Destination>();
  readonly #asking = new Map<string, Asking>();
  /** Requests of others that were passed on: the number, and until when it is not passed on again. */
  readonly #passed = new Map<string, { seqno: number; untilMs: number }>();
  readonly #goneSinceMs = new Map<string, number>();
  #out: RoutingMessage[] = [];
  #changedOrigins = new Set<string>();
  #ignored = 0;

  /** @param seqno higher than that of any earlier life of this node. */
  constructor(self: string, seqno: number) {
    this.self = self;
    this.#seqno = seqno;
  }

  get services(): readonly string[] {
    return this.#services;
  }

  /** The destinations to which routes have changed since this was asked last; this node itself when what it offers has. */
  takeChanged(): ReadonlySet<string> {
    const all = this.#changedOrigins;
    if (all.size > 0) this.#changedOrigins = new Set();
    return all;
  }

  /** Routes beyond DESTINATIONS_MAX. */
  get ignored(): number {
    return this.#ignored;
  }

  routeTo(origin: string): Selected | undefined {
    return this.#destinations.get(origin)?.selected;
  }

  /** There is a way to it, or was one until lately. */
  knows(origin: string): boolean {
    return this.#destinations.has(origin);
  }

  *routes(): Generator<Selected & { origin: string }> {
    for (const { name, selected } of this.#destinations.values())
      if (selected) yield { origin: name, ...selected };
  }

  /** Of destinations, those to which there is a way. */
  get reach(): number {
    return this.#destinations.values().reduce((count, one) => count + (one.selected ? 1 : 0), 0);
  }

  costOf(neighbour: string): number | undefined {
    return this.#costs.get(neighbour);
  }

  /**
   * The cheapest next hop of those that are left; undefined: none. Where it leads may come back: what goes there must know where it was.
   * @param avoided nodes.
   */
  nextHopWithout(origin: string, avoided: ReadonlySet<string>): string | undefined {
    const destination = this.#destinations.get(origin);
    return destination && this.#cheapest(destination, avoided);
  }

  /** The cheapest node with a service: this one if it has it. @param avoided nodes that are left out. */
  nearest(service: string, avoided: readonly string[] = []): string | undefined {
    if (this.#services.includes(service) && !avoided.includes(this.self)) return this.self;
    let best: (Selected & { origin: string }) | undefined;
    for (const route of this.routes()) {
      if (!route.services.includes(service) || avoided.includes(route.origin)) continue;
      const isNearer =
        best && (route.metric - best.metric || (route.origin < best.origin ? -1 : 1)) < 0;
      if (!best || isNearer) best = route;
    }
    return best?.origin;
  }

  step(event: RoutingEvent, nowMs: number): RoutingMessage[] {
    this.#take(event, nowMs);
    this.#tellDue(nowMs);
    const out = this.#out;
    this.#out = [];
    return out;
  }

  /** When a tick is wanted; undefined: nothing is put off. */
  get dueMs(): number | undefined {
    let dueMs = Infinity;
    for (const untold of this.#neighbours.values()) dueMs = Math.min(dueMs, untold.dueMs);
    for (const { nextMs } of this.#asking.values()) dueMs = Math.min(dueMs, nextMs);
    for (const sinceMs of this.#goneSinceMs.values()) dueMs = Math.min(dueMs, sinceMs + FORGET_MS);
    return dueMs === Infinity ? undefined : dueMs;
  }

  #take(event: RoutingEvent, nowMs: number): void {
    switch (event.type) {
      case "link-up":
        if (event.isAnother) this.#forgetTold(event.neighbour, nowMs);
        this.#costs.set(event.neighbour, event.cost);
        this.#neighbours.set(event.neighbour, new Untold(nowMs));
        return this.#reselect(event.neighbour, nowMs);
      case "link-cost":
        if (!this.#costs.has(event.neighbour)) return;
        this.#costs.set(event.neighbour, event.cost);
        return this.#reselect(event.neighbour, nowMs);
      case "link-down":
        this.#costs.delete(event.neighbour);
        this.#neighbours.delete(event.neighbour);
        return this.#forgetTold(event.neighbour, nowMs);
      case "update":
        return this.#hear(event.neighbour, event, nowMs);
      case "request":
        return this.#asked(event.neighbour, event, nowMs);
      case "services":
        this.#services = event.services;
        return this.#raise(this.#seqno + 1);
      case "tick":
        for (const origin of this.#asking.keys()) this.#ask(this.#destinations.get(origin)!, nowMs);
        return this.#forgetGone(nowMs);
    }
  }

  #hear(neighbour: string, { routes, isFull }: RouteUpdate, nowMs: number): void {
    if (!this.#neighbours.has(neighbour)) return;
    if (isFull) {
      const named = new Set(routes.map(({ origin }) => origin));
      for (const destination of this.#destinations.values())
        if (!named.has(destination.name) && destination.told.delete(neighbour))
          this.#select(destination, nowMs);
    }
    for (const route of routes) {
      if (route.origin === this.self) this.#hearOfSelf(route);
      else this.#hearOf(neighbour, route, nowMs);
    }
  }

  #hearOf(neighbour: string, route: Advertisement, nowMs: number): void {
    let destination = this.#destinations.get(route.origin);
    if (!destination) {
      if (!isFinite(route)) return;
      if (this.#destinations.size >= DESTINATIONS_MAX) return void this.#ignored++;
      destination = new Destination(route.origin);
      this.#destinations.set(route.origin, destination);
    }
    if (isFinite(route)) destination.told.set(neighbour, route);
    else destination.told.delete(neighbour);
    this.#select(destination, nowMs);
  }

  /** Others know an earlier life of this node with a higher number, which makes all that it tells now look old. */
  #hearOfSelf({ seqno }: Told): void {
    if (seqno > this.#seqno) this.#raise(seqno + 1);
  }

  #raise(seqno: number): void {
    this.#seqno = Math.min(seqno, SEQNO_MAX);
    this.#changed(this.self);
  }

  #reselect(neighbour: string, nowMs: number): void {
    for (const destination of this.#destinations.values())
      if (destination.told.has(neighbour)) this.#select(destination, nowMs);
  }

  #forgetTold(neighbour: string, nowMs: number): void {
    for (const destination of this.#destinations.values())
      if (destination.told.delete(neighbour)) this.#select(destination, nowMs);
  }

  #select(destination: Destination, nowMs: number): void {
    const before = destination.selected;
    if (destination.select(this.#costs)) {
      if (isSmallChange(before, destination.selected))
        this.#changedALittle(destination.name, nowMs);
      else this.#changed(destination.name);
    }
    if (destination.selected || destination.told.size > 0)
      this.#goneSinceMs.delete(destination.name);
    else if (!this.#goneSinceMs.has(destination.name))
      this.#goneSinceMs.set(destination.name, nowMs);
    this.#ask(destination, nowMs);
  }

  #changed(origin: string): void {
    this.#changedOrigins.add(origin);
    for (const untold of this.#neighbours.values()) untold.add(origin);
  }

  #changedALittle(origin: string, nowMs: number): void {
    this.#changedOrigins.add(origin);
    for (const untold of this.#neighbours.values()) untold.addLater(origin, nowMs);
  }

  /** Asks for a new sequence number where that helps: at once for the first time. */
  #ask(destination: Destination, nowMs: number): void {
    const { name } = destination;
    const wish = destination.wish(this.#costs);
    const asking = this.#asking.get(name);
    if (!wish) return void this.#asking.delete(name);
    const isKnown = asking && asking.seqno === wish.seqno;
    if (isKnown && nowMs < asking.nextMs) return;
    const tries = isKnown ? asking.tries + 1 : 0;
    this.#asking.set(name, { seqno: wish.seqno, tries, nextMs: nowMs + retryMs(wish, tries) });
    for (const to of wish.via)
      this.#out.push({ type: "request", to, origin: name, seqno: wish.seqno, hopLimit: HOP_LIMIT });
  }

  /** RFC 8966 section 3.8.1.2. */
  #asked(neighbour: string, request: SeqnoRequest, nowMs: number): void {
    const { origin, seqno, hopLimit } = request;
    if (origin === this.self) {
      if (seqno > this.#seqno) this.#raise(seqno);
      return this.#tellAgain(neighbour, origin);
    }
    const destination = this.#destinations.get(origin);
    if (!destination) return;
    if (destination.selected && destination.selected.seqno >= seqno)
      return this.#tellAgain(neighbour, origin);
    const passed = this.#passed.get(origin);
    if (hopLimit <= 1 || (passed && passed.seqno >= seqno && nowMs < passed.untilMs)) return;
    const to = this.#onward(destination, neighbour);
    if (to === undefined) return;
    this.#passed.set(origin, { seqno, untilMs: nowMs + PASSED_MS });
    this.#out.push({ type: "request", to, origin, seqno, hopLimit: hopLimit - 1 });
  }

  #tellAgain(neighbour: string, origin: string): void {
    this.#neighbours.get(neighbour)?.add(origin);
  }

  /** The next hop, or else whoever tells of the cheapest way. */
  #onward(destination: Destination, from: string): string | undefined {
    const { selected } = destination;
    if (selected && selected.nextHop !== from) return selected.nextHop;
    return this.#cheapest(destination, new Set([from]));
  }

  #cheapest({ told }: Destination, avoided: ReadonlySet<string>): string | undefined {
    let [best, bestMetric]: [string | undefined, number] = [undefined, Infinity];
    for (const [neighbour, { metric }] of told) {
      const cost = metric + (this.#costs.get(neighbour) ?? Infinity);
      if (!avoided.has(neighbour) && cost < bestMetric) [best, bestMetric] = [neighbour, cost];
    }
    return best;
  }

  #tellDue(nowMs: number): void {
    for (const [to, neighbour] of this.#neighbours) {
      const untold = neighbour.take(nowMs);
      if (!untold) continue;
      const isFull = untold === "all";
      const routes = isFull ? this.#allRoutes() : this.#routesOf(untold);
      if (isFull || routes.length > 0) this.#out.push({ type: "update", to, routes, isFull });
    }
  }

  #allRoutes(): Advertisement[] {
    const all = [...this.#destinations.values()].filter(({ selected }) => selected);
    return this.#routesOf([this.self, ...all.map(({ name }) => name)]);
  }

  #routesOf(origins: Iterable<string>): Advertisement[] {
    const routes: Advertisement[] = [];
    for (const origin of origins) {
      if (origin === this.self)
        routes.push({ origin, seqno: this.#seqno, metric: 0, services: this.#services });
      const told = this.#destinations.get(origin)?.tell();
      if (told) routes.push({ origin, ...told });
    }
    return routes;
  }

  #forgetGone(nowMs: number): void {
    for (const [name, sinceMs] of this.#goneSinceMs) {
      if (nowMs - sinceMs < FORGET_MS) continue;
      this.#goneSinceMs.delete(name);
      this.#destinations.delete(name);
      this.#passed.delete(name);
    }
  }
}

/** The same way, for nearly the same cost. */
function isSmallChange(before: Selected | undefined, after: Selected | undefined): boolean {
  if (!before || !after) return false;
  const ratio = after.metric / before.metric;
  return (
    before.nextHop === after.nextHop &&
    before.seqno === after.seqno &&
    before.services.join() === after.services.join() &&
    ratio < SMALL_CHANGE &&
    ratio > 1 / SMALL_CHANGE
  );
}

function retryMs({ isUrgent }: Wish, tries: number): number {
  return Math.min((isUrgent ? URGENT_RETRY_MS : RETRY_MS) * 2 ** tries, RETRY_MAX_MS);
}
