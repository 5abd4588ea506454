/** The mesh at one node: links, routes, and the way of a frame to its next hop. Relays keep nothing. */
import { randomBytes } from "node:crypto";

import { CircuitSignal } from "@glassline/proto/mesh";
import type { Data, Frame } from "@glassline/proto/mesh";
import { fidelityAt } from "@glassline/quantum/physics/pairs";
import type { Clock } from "@glassline/service/clock";
import type { Logger } from "@glassline/service/logger";
import {
  ATTR_QUANTUM_LINK_FIDELITY,
  ATTR_QUANTUM_LINK_KEY_EPOCH,
  ATTR_QUANTUM_LINK_KEY_SOURCE,
  ATTR_QUANTUM_LINK_QBER,
} from "@glassline/telemetry/conventions/quantum";
import { startHop } from "@glassline/telemetry/trace-context";
import type { Tracer } from "@opentelemetry/api";

import { controlFrame, controlMessageOf } from "./control-frames.ts";
import type { ControlEffect, ControlEvent } from "./core/control-plane.ts";
import { ControlPlane } from "./core/control-plane.ts";
import type { LinkPrice } from "./core/link-price.ts";
import { passOn, transitOf } from "./core/transit.ts";
import type { DataInit } from "./data-frames.ts";
import { dataFrom, receivedData, sentData } from "./data-frames.ts";
import type { Routing } from "./core/routing/routing.ts";
import type { LinkCounts, LinkState, RouteState } from "./link-state.ts";
import { linkStateOf, routeStateOf } from "./link-state.ts";
import type { Link, LinkEvents } from "./links/link.ts";
import type { MeshMetrics } from "./metrics.ts";
import { Ticks } from "./ticks.ts";
import { WaySeekers } from "./way-seekers.ts";

/** Sequence numbers follow the clock in steps of 100 ms since 2026, so that a node that starts again is not behind itself. */
const SEQNO_EPOCH_MS = Date.UTC(2026, 0, 1);
const SEQNO_STEP_MS = 100;
/** What is under way on a link that another has taken the place of still arrives within this time. */
const RETIRE_MS = 500;
/** Of the same sign of life; liveness counts in hundreds. */
const SIGN_MS = 5;
/** More are closed at once. */
const RETIRING_MAX = 64;

export interface RouterDeps {
  node: string;
  clock: Clock;
  logger: Logger;
  metrics: MeshMetrics;
  tracer: Tracer;
  linkPrice?: LinkPrice;
}

type Sign = "alive" | "spoke" | "data-heard" | "data-sent";

interface Neighbour extends LinkCounts {
  /** When each was told last, monotonic. */
  signs: Record<Sign, number>;
}

/** What a link did not take. */
const reasonOf = ({ padBytes }: Link): string => (padBytes === 0 ? "no_pads" : "link_full");

export interface Router extends Disposable {
  /** Of this node: another one each time it starts. */
  readonly incarnation: bigint;
  readonly linkEvents: LinkEvents;
  /** Sends from this node; false when there is no way or the link is full. */
  send(data: DataInit): boolean;
  /** Takes what is addressed to this node. */
  onArrival(take: (data: Data) => void): void;
  /** Called after every change of routes. */
  onRoutes(changed: () => void): void;
  setServices(services: readonly string[]): void;
  /** @param avoided nodes that are left out. */
  nearest(service: string, avoided?: readonly string[]): string | undefined;
  /** True when the node has the service and there is a way to it. */
  reaches(node: string, service: string): boolean;
  /** The link to a neighbour; undefined when none is up. */
  linkTo(neighbour: string): Link | undefined;
  /** Of other nodes, those to which there is a way. */
  readonly reach: number;
  status(): { links: LinkState[]; routes: RouteState[]; services: string[] };
}

export function createRouter(deps: RouterDeps): Router {
  return new MeshRouter(deps);
}

class MeshRouter implements Router {
  readonly incarnation = randomBytes(8).readBigUInt64LE();
  readonly #deps: RouterDeps;
  readonly #neighbours = new Map<string, Neighbour>();
  /** Another link has taken their place: nothing is sent on them any more. */
  readonly #retiring = new Set<Link>();
  readonly #stop = new AbortController();
  readonly #plane: ControlPlane;
  readonly #routing: Routing;
  readonly #ticks: Ticks;
  readonly #seekers: WaySeekers;
  #arrive: (data: Data) => void = () => {};
  #routesChanged: () => void = () => {};

  constructor(deps: RouterDeps) {
    this.#deps = deps;
    const seqno = Math.floor((deps.clock.nowMs() - SEQNO_EPOCH_MS) / SEQNO_STEP_MS);
    this.#plane = new ControlPlane(deps.node, Math.max(1, seqno), deps.linkPrice);
    this.#routing = this.#plane.routing;
    this.#ticks = new Ticks(deps.clock, () => this.#step({ type: "tick" }));
    this.#seekers = new WaySeekers(deps.clock, () => this.#dropped("no_route"));
  }

  [Symbol.dispose](): void {
    this.#stop.abort();
    this.#ticks[Symbol.dispose]();
    this.#seekers[Symbol.dispose]();
    const links = [...this.#neighbours.values()].map(({ link }) => link);
    for (const link of [...links, ...this.#retiring]) link.close("the node stops");
  }

  get linkEvents(): LinkEvents {
    return {
      up: (link) => this.#up(link),
      frame: (link, frame) => this.#frame(link, frame),
      transit: (link, frame) => this.#transit(link, frame),
      down: (link, reason) => this.#down(link, reason),
      alive: (link) => this.#sign(link, "alive"),
      spoke: (link) => this.#sign(link, "spoke"),
      keys: ({ neighbour }, left) => this.#step({ type: "keys", neighbour, ...left }),
      undelivered: (_link, { frame }) =>
        frame.case === "data" && this.#salvage(receivedData(frame.value)),
    };
  }

  onArrival(take: (data: Data) => void): void {
    this.#arrive = take;
  }

  onRoutes(changed: () => void): void {
    this.#routesChanged = changed;
  }

  setServices(services: readonly string[]): void {
    if (services.join() === this.#routing.services.join()) return;
    this.#step({ type: "services", services });
  }

  nearest(service: string, avoided: readonly string[] = []): string | undefined {
    return this.#routing.nearest(service, avoided);
  }

  reaches(node: string, service: string): boolean {
    if (node === this.#deps.node) return this.#routing.services.includes(service);
    return this.#routing.routeTo(node)?.services.includes(service) ?? false;
  }

  send(init: DataInit): boolean {
    const data = dataFrom(this.#deps.node, init);
    if (data.destination === this.#deps.node) {
      // A turn of the event loop, so that sender and receiver never run inside each other.
      setImmediate(() => this.#arrive(data));
      return true;
    }
    return this.#sendOn(data);
  }

  linkTo(neighbour: string): Link | undefined {
    return this.#neighbours.get(neighbour)?.link;
  }

  get reach(): number {
    return this.#routing.reach;
  }

  status(): { links: LinkState[]; routes: RouteState[]; services: string[] } {
    return {
      links: [...this.#neighbours.values()].map((one) =>
        linkStateOf(
          one,
          this.#plane.monitorOf(one.link.neighbour),
          this.#routing.costOf(one.link.neighbour),
        ),
      ),
      routes: [...this.#routing.routes()].map(routeStateOf),
      services: [...this.#routing.services],
    };
  }

  #up(link: Link): void {
    const { neighbour, incarnation } = link;
    const before = this.#neighbours.get(neighbour);
    const upSinceUnixNano = this.#deps.clock.nowUnixNano();
    const signs = { alive: 0, spoke: 0, "data-heard": 0, "data-sent": 0 };
    this.#neighbours.set(neighbour, { link, signs, upSinceUnixNano, sent: 0, received: 0 });
    if (before) this.#retire(before.link);
    this.#deps.logger.info({ neighbour }, "link up");
    const isAnother = before?.link.incarnation !== incarnation;
    this.#step({ type: "link-up", neighbour, isAnother });
  }

  /** Both ends do so, and the neighbour may see later that a newer link is up: what it has sent until then is taken. */
  #retire(link: Link): void {
    const close = () => link.close("a newer link took over");
    if (this.#retiring.size >= RETIRING_MAX) return close();
    this.#retiring.add(link);
    void this.#deps.clock.sleep(RETIRE_MS, this.#stop.signal).then(close, close);
  }

  #down(link: Link, reason: string): void {
    this.#retiring.delete(link);
    if (this.#neighbours.get(link.neighbour)?.link !== link) return;
    this.#neighbours.delete(link.neighbour);
    this.#deps.logger.info({ neighbour: link.neighbour, reason }, "link down");
    this.#step({ type: "link-down", neighbour: link.neighbour });
  }

  #frame(link: Link, { frame }: Frame): void {
    const neighbour = this.#neighbours.get(link.neighbour);
    if (neighbour?.link !== link) {
      if (frame.case === "data" && this.#retiring.has(link))
        this.#data(receivedData(frame.value), link);
      return;
    }
    neighbour.received++;
    if (frame.case === "data") {
      this.#sign(link, "data-heard");
      return this.#data(receivedData(frame.value), link);
    }
    const message = controlMessageOf(frame);
    if (message) this.#step({ type: "heard", neighbour: link.neighbour, message });
  }

  /** The short way of most data at a relay. @returns false: it needs the long one. */
  #transit(link: Link, frame: Buffer): boolean {
    const neighbour = this.#neighbours.get(link.neighbour);
    const transit = neighbour?.link === link ? transitOf(frame) : undefined;
    if (!transit || transit.hopLimit <= 1) return false;
    const nextHop = this.#routing.routeTo(transit.destination)?.nextHop;
    const next = nextHop === undefined ? undefined : this.#neighbours.get(nextHop);
    if (!next?.link.forward) return false;
    const nowMs = this.#now();
    neighbour!.received++;
    this.#signOf(neighbour!, "data-heard", nowMs);
    passOn(frame, transit);
    if (next.link.forward(transit.flow, frame)) {
      next.sent++;
      this.#signOf(next, "data-sent", nowMs);
      this.#deps.metrics.framesRelayed.inc();
    } else this.#dropped(reasonOf(next.link));
    return true;
  }

  /** @param link that brought it. */
  #data(data: Data, { keySource, keyEpoch, qber }: Link): void {
    const hop = startHop(this.#deps.tracer, "mesh-node/src/router.ts", data.hopContexts, {
      "mesh.destination": data.destination,
      [ATTR_QUANTUM_LINK_KEY_SOURCE]: keySource,
      ...(keyEpoch !== undefined && { [ATTR_QUANTUM_LINK_KEY_EPOCH]: keyEpoch }),
      ...(qber !== undefined && {
        [ATTR_QUANTUM_LINK_QBER]: qber,
        [ATTR_QUANTUM_LINK_FIDELITY]: fidelityAt(qber),
      }),
    });
    if (data.path.length > 0) {
      data.path = [...data.path, this.#deps.node];
      data.keySources = [...data.keySources, keySource];
    }
    data.hopContexts = hop.contexts;
    if (data.destination === this.#deps.node) this.#arrive(data);
    else if (data.hopLimit <= 1) this.#dropped("hop_limit");
    else if (this.#sendOn({ ...data, hopLimit: data.hopLimit - 1 }))
      this.#deps.metrics.framesRelayed.inc();
    hop.end();
  }

  /** What a link took with it goes another way. Its receiver may get it twice, and tells the copies apart. */
  #salvage(data: Data): void {
    // A circuit opens once.
    if (data.signal === CircuitSignal.OPEN) return;
    if (data.hopLimit <= 1) return this.#dropped("hop_limit");
    if (this.#sendOn({ ...data, hopLimit: data.hopLimit - 1 }))
      this.#deps.metrics.framesSalvaged.inc();
  }

  #sendOn(data: Data): boolean {
    const nextHop = this.#nextHop(data);
    const neighbour = nextHop === undefined ? undefined : this.#neighbours.get(nextHop);
    if (!neighbour) {
      if (
        data.avoid.length === 0 &&
        this.#routing.knows(data.destination) &&
        this.#seekers.add(data)
      )
        return true;
      this.#dropped("no_route");
      return false;
    }
    if (this.#sendFrame(neighbour, { case: "data", value: sentData(data) })) {
      this.#sign(neighbour.link, "data-sent");
      return true;
    }
    this.#dropped(reasonOf(neighbour.link));
    return false;
  }

  #nextHop({ destination, avoid, path }: Data): string | undefined {
    if (avoid.length === 0) return this.#routing.routeTo(destination)?.nextHop;
    return this.#routing.nextHopWithout(destination, new Set([...avoid, ...path]));
  }

  #dropped(reason: string): void {
    this.#deps.metrics.framesDropped.inc({ reason });
  }

  #sendFrame(neighbour: Neighbour, frame: Parameters<Link["send"]>[0]["frame"] & object): boolean {
    const accepted = neighbour.link.send({ frame });
    if (accepted) neighbour.sent++;
    return accepted;
  }

  /** Of life, as often as liveness can tell apart. */
  #sign({ neighbour: name }: Link, sign: Sign): void {
    const neighbour = this.#neighbours.get(name);
    if (neighbour) this.#signOf(neighbour, sign, this.#now());
  }

  #signOf({ link, signs }: Neighbour, sign: Sign, nowMs: number): void {
    if (nowMs - signs[sign] < SIGN_MS) return;
    signs[sign] = nowMs;
    this.#step({ type: sign, neighbour: link.neighbour });
  }

  #step(event: ControlEvent): void {
    for (const effect of this.#plane.step(event, this.#now())) this.#carryOut(effect);
    this.#ticks.at(this.#plane.dueMs);
    const changed = this.#routing.takeChanged();
    if (changed.size === 0) return;
    this.#deps.metrics.routeChanges.inc(changed.size);
    for (const origin of changed)
      if (this.#routing.routeTo(origin))
        for (const data of this.#seekers.take(origin)) this.#sendOn(data);
    this.#routesChanged();
  }

  #carryOut(effect: ControlEffect): void {
    if (effect.type === "send") {
      const neighbour = this.#neighbours.get(effect.to);
      // What it was told must be what it has.
      if (neighbour && !this.#sendFrame(neighbour, controlFrame(effect.message)))
        neighbour.link.close("it takes no routes");
      return;
    }
    const { link } = this.#neighbours.get(effect.neighbour) ?? {};
    if (!link) return;
    this.#down(link, effect.reason);
    link.close("silent");
  }

  #now(): number {
    return this.#deps.clock.monotonicMs();
  }
}
