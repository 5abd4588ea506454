/**
 * What a mesh node decides about links and routes: whether neighbours live, what links cost, where packets go. `step(event, now)` gives what to send
 * and which links to give up; it changes its own state and nothing else. Real nodes (router.ts) and virtual ones (simulator) run the same.
 */
import type { HelloFields, LinkMonitor } from "./link-monitor.ts";
import { hearHello, makeHello, newLinkMonitor } from "./link-monitor.ts";
import type { LinkPrice, Quality } from "./link-price.ts";
import { hasMoved, linkPrice, qualityOf } from "./link-price.ts";
import type { LivenessAction } from "./liveness.ts";
import { Liveness } from "./liveness.ts";
import type { RouteUpdate, RoutingEvent, SeqnoRequest } from "./routing/routing.ts";
import { Routing } from "./routing/routing.ts";

export interface Hello extends HelloFields {
  readonly type: "hello";
  /** Answer at once. */
  readonly isUrgent: boolean;
}

/** Somebody hears nothing from a node any more. */
export interface Suspicion {
  readonly type: "suspicion";
  readonly node: string;
  readonly from: string;
  readonly hopLimit: number;
}

/** The node was heard just now. */
export interface Voucher {
  readonly type: "voucher";
  readonly node: string;
  /** Who suspects it. */
  readonly to: string;
}

export type ControlMessage = Hello | Suspicion | Voucher | RouteUpdate | SeqnoRequest;

export type ControlEvent =
  /** @prop isAnother the neighbour has started anew. */
  | { type: "link-up"; neighbour: string; isAnother: boolean }
  | { type: "link-down"; neighbour: string }
  | { type: "heard"; neighbour: string; message: ControlMessage }
  /** Something came over the link, or was sent over it, that is neither data nor about routes. */
  | { type: "alive"; neighbour: string }
  | { type: "spoke"; neighbour: string }
  | { type: "data-heard"; neighbour: string }
  | { type: "data-sent"; neighbour: string }
  /** The link to it shall be priced anew. */
  | { type: "price"; neighbour: string }
  /** So long there are keys, and one-time pads, for the link to it; Infinity: it does not matter. */
  | { type: "keys"; neighbour: string; keysLastS: number; padsLastS: number }
  | { type: "services"; services: readonly string[] }
  /** Something is due (`dueMs`). */
  | { type: "tick" };

export type ControlEffect =
  | { type: "send"; to: string; message: ControlMessage }
  /** The link is down for this node: a "link-down" need not come. */
  | { type: "give-up"; neighbour: string; reason: string };

/** A suspicion reaches the neighbours of neighbours: among them are those of the suspect. */
const SUSPICION_HOPS = 2;

interface LinkState {
  monitor: LinkMonitor;
  /** What its cost was computed from. */
  priced: Quality;
}

export class ControlPlane {
  readonly self: string;
  readonly routing: Routing;
  readonly #price: LinkPrice;
  readonly #liveness = new Liveness();
  readonly #links = new Map<string, LinkState>();
  #effects: ControlEffect[] = [];

  /** @param seqno higher than that of any earlier life of this node. */
  constructor(self: string, seqno: number, price: LinkPrice = linkPrice) {
    this.self = self;
    this.routing = new Routing(self, seqno);
    this.#price = price;
  }

  /** What is known of the link to it; undefined: there is none. */
  monitorOf(neighbour: string): LinkMonitor | undefined {
    return this.#links.get(neighbour)?.monitor;
  }

  /** When a tick is wanted; Infinity: nothing is due. */
  get dueMs(): number {
    return Math.min(this.#liveness.dueMs, this.routing.dueMs ?? Infinity);
  }

  step(event: ControlEvent, nowMs: number): ControlEffect[] {
    this.#take(event, nowMs);
    for (const action of this.#liveness.tick(nowMs)) this.#act(action, nowMs);
    if (event.type === "tick") this.#route({ type: "tick" }, nowMs);
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  #take(event: ControlEvent, nowMs: number): void {
    switch (event.type) {
      case "link-up":
        return this.#up(event.neighbour, event.isAnother, nowMs);
      case "link-down":
        return this.#down(event.neighbour, nowMs);
      case "heard":
        if (!this.#links.has(event.neighbour)) return;
        this.#liveness.heard(event.neighbour, false, nowMs);
        return this.#hear(event.neighbour, event.message, nowMs);
      case "alive":
        return this.#liveness.heard(event.neighbour, false, nowMs);
      case "spoke":
        return this.#liveness.sent(event.neighbour, false, nowMs);
      case "data-heard":
        return this.#liveness.heard(event.neighbour, true, nowMs);
      case "data-sent":
        return this.#liveness.sent(event.neighbour, true, nowMs);
      case "price":
        return this.#priceAnew(event.neighbour, nowMs);
      case "keys":
        return this.#keys(event, nowMs);
      case "services":
        return this.#route(event, nowMs);
      case "tick":
    }
  }

  #up(neighbour: string, isAnother: boolean, nowMs: number): void {
    const { rttMs, roundTripsMs = [] } = this.#links.get(neighbour)?.monitor ?? {};
    const monitor = { ...newLinkMonitor(nowMs), rttMs, roundTripsMs };
    this.#links.set(neighbour, { monitor, priced: qualityOf(monitor) });
    this.#liveness.up(neighbour, isAnother, nowMs);
    const cost = this.#price(monitor, neighbour);
    this.#route({ type: "link-up", neighbour, cost, isAnother }, nowMs);
  }

  #down(neighbour: string, nowMs: number): void {
    if (!this.#links.delete(neighbour)) return;
    this.#liveness.down(neighbour);
    this.#route({ type: "link-down", neighbour }, nowMs);
  }

  #hear(neighbour: string, message: ControlMessage, nowMs: number): void {
    switch (message.type) {
      case "hello":
        return this.#hearHello(neighbour, message, nowMs);
      case "update":
      case "request":
        return this.#route({ ...message, neighbour }, nowMs);
      case "suspicion":
        return this.#hearSuspicion(neighbour, message, nowMs);
      case "voucher":
        if (message.to === this.self) return this.#liveness.vouch(message.node);
        if (this.#links.has(message.to)) this.#send(message.to, message, nowMs);
    }
  }

  #hearHello(neighbour: string, hello: Hello, nowMs: number): void {
    const link = this.#links.get(neighbour)!;
    link.monitor = hearHello(link.monitor, hello, nowMs);
    if (hello.isUrgent) this.#liveness.owe(neighbour, nowMs);
    const { rttMs } = link.monitor;
    if (rttMs !== undefined) this.#liveness.measured(neighbour, rttMs);
    this.#priceIfMoved(neighbour, link, nowMs);
  }

  #keys(event: Extract<ControlEvent, { type: "keys" }>, nowMs: number): void {
    const { neighbour, keysLastS, padsLastS } = event;
    const link = this.#links.get(neighbour);
    if (!link) return;
    link.monitor = { ...link.monitor, keysLastS, padsLastS };
    this.#priceIfMoved(neighbour, link, nowMs);
  }

  #priceIfMoved(neighbour: string, link: LinkState, nowMs: number): void {
    const quality = qualityOf(link.monitor);
    if (!hasMoved(link.priced, quality)) return;
    link.priced = quality;
    this.#priceAnew(neighbour, nowMs);
  }

  #priceAnew(neighbour: string, nowMs: number): void {
    const link = this.#links.get(neighbour);
    if (!link) return;
    const cost = this.#price(link.monitor, neighbour);
    if (cost !== this.routing.costOf(neighbour))
      this.#route({ type: "link-cost", neighbour, cost }, nowMs);
  }

  #hearSuspicion(neighbour: string, suspicion: Suspicion, nowMs: number): void {
    const { node, from, hopLimit } = suspicion;
    if (node === this.self) return this.#liveness.owe(from, nowMs);
    if (this.#links.has(node)) {
      const isHeard = this.#liveness.challenge(node, nowMs);
      if (isHeard) this.#send(neighbour, { type: "voucher", node, to: from }, nowMs);
      return;
    }
    if (hopLimit <= 1) return;
    for (const to of this.#links.keys())
      if (to !== neighbour && to !== from)
        this.#send(to, { ...suspicion, hopLimit: Math.min(hopLimit, SUSPICION_HOPS) - 1 }, nowMs);
  }

  #act(action: LivenessAction, nowMs: number): void {
    if (action.type === "hello") return this.#hello(action.to, action.isUrgent, nowMs);
    const { neighbour } = action;
    if (action.type === "dead") {
      const reason = `nothing heard for ${Math.round(action.silentMs)} ms`;
      this.#effects.push({ type: "give-up", neighbour, reason });
      return this.#down(neighbour, nowMs);
    }
    const suspicion = {
      type: "suspicion",
      node: neighbour,
      from: this.self,
      hopLimit: SUSPICION_HOPS,
    } as const;
    for (const to of this.#links.keys()) if (to !== neighbour) this.#send(to, suspicion, nowMs);
  }

  #hello(to: string, isUrgent: boolean, nowMs: number): void {
    const link = this.#links.get(to)!;
    const { monitor, hello } = makeHello(link.monitor, nowMs);
    link.monitor = monitor;
    this.#effects.push({ type: "send", to, message: { type: "hello", ...hello, isUrgent } });
  }

  #route(event: RoutingEvent, nowMs: number): void {
    for (const { to, ...message } of this.routing.step(event, nowMs))
      this.#send(to, message as RouteUpdate | SeqnoRequest, nowMs);
  }

  #send(to: string, message: ControlMessage, nowMs: number): void {
    this.#liveness.sent(to, false, nowMs);
    this.#effects.push({ type: "send", to, message });
  }
}
