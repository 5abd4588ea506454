/**
 * Distance-vector routing without loops: Babel's feasibility condition with sequence numbers (RFC 8966 sections 2.4 and 3.5).
 * Pure: `stepRouting(state, event)` gives the next state and whether neighbours must be told.
 */

/** The metric of a route that is gone (RFC 8966 section 3.5.2). */
export const INFINITE_METRIC = 4_294_967_295;

/** A route as a node tells it: its own cost to the origin. */
export interface Advertisement {
  origin: string;
  seqno: number;
  metric: number;
  services: readonly string[];
}

/** A route as it was chosen. */
export interface SelectedRoute extends Advertisement {
  nextHop: string;
}

interface Distance {
  seqno: number;
  metric: number;
}

export interface RoutingState {
  readonly self: string;
  readonly services: readonly string[];
  readonly seqno: number;
  /** Cost of the link to each neighbour that is up. */
  readonly costs: ReadonlyMap<string, number>;
  /** What each neighbour told last, by neighbour and origin. */
  readonly told: ReadonlyMap<string, ReadonlyMap<string, Advertisement>>;
  /** The best distance we ever told for an origin: routes must be better to be feasible (RFC 8966 section 3.5.1). */
  readonly feasible: ReadonlyMap<string, Distance>;
  readonly selected: ReadonlyMap<string, SelectedRoute>;
}

export type RoutingEvent =
  | { type: "link-up"; neighbour: string; cost: number; nowSeqno: number }
  | { type: "link-cost"; neighbour: string; cost: number }
  | { type: "link-down"; neighbour: string; nowSeqno: number }
  | { type: "update"; neighbour: string; routes: readonly Advertisement[] }
  | { type: "services"; services: readonly string[]; nowSeqno: number }
  /** From time to time every origin renews its sequence number, which frees routes that are not feasible. */
  | { type: "renew"; nowSeqno: number };

/** A route that is better by less than this does not replace the one in use. */
const HYSTERESIS = 0.9;

export function newRouting(self: string, nowSeqno: number): RoutingState {
  return {
    self,
    services: [],
    seqno: nowSeqno,
    costs: new Map(),
    told: new Map(),
    feasible: new Map(),
    selected: new Map(),
  };
}

export function stepRouting(
  state: RoutingState,
  event: RoutingEvent,
): { state: RoutingState; tell: boolean } {
  const changed = applyEvent(state, event);
  const selected = select(changed);
  const renewed = changed.seqno !== state.seqno;
  const next = { ...changed, selected };
  return { state: next, tell: renewed || !sameRoutes(state.selected, selected) };
}

/** What we tell our neighbours; telling it binds us (`noteTold`). Routes that were lost are retracted. */
export function advertisements(state: RoutingState): Advertisement[] {
  const own = { origin: state.self, seqno: state.seqno, metric: 0, services: state.services };
  const lost = [...state.feasible.keys()].filter((origin) => !state.selected.has(origin));
  return [
    own,
    ...[...state.selected.values()].map(({ origin, seqno, metric, services }) => ({
      origin,
      seqno,
      metric,
      services,
    })),
    ...lost.map((origin) => ({
      origin,
      seqno: state.feasible.get(origin)!.seqno,
      metric: INFINITE_METRIC,
      services: [],
    })),
  ];
}

/** The feasibility distances after the advertisements were sent (RFC 8966 section 3.7.3). */
export function noteTold(state: RoutingState): RoutingState {
  const feasible = new Map(state.feasible);
  for (const { origin, seqno, metric } of state.selected.values()) {
    const known = feasible.get(origin);
    if (!known || isBetter({ seqno, metric }, known)) feasible.set(origin, { seqno, metric });
  }
  return { ...state, feasible };
}

/** The cheapest origin of a service: ourselves if we have it, else by selected routes. */
export function nearestService(state: RoutingState, service: string): string | undefined {
  if (state.services.includes(service)) return state.self;
  const routes = [...state.selected.values()].filter(({ services }) => services.includes(service));
  return routes.toSorted((a, b) => a.metric - b.metric || (a.origin < b.origin ? -1 : 1))[0]
    ?.origin;
}

function applyEvent(state: RoutingState, event: RoutingEvent): RoutingState {
  switch (event.type) {
    case "link-up":
      return {
        ...state,
        seqno: renewed(state, event.nowSeqno),
        costs: new Map(state.costs).set(event.neighbour, event.cost),
      };
    case "link-cost":
      if (!state.costs.has(event.neighbour)) return state;
      return { ...state, costs: new Map(state.costs).set(event.neighbour, event.cost) };
    case "link-down":
      return {
        ...state,
        seqno: renewed(state, event.nowSeqno),
        costs: without(state.costs, event.neighbour),
        told: without(state.told, event.neighbour),
      };
    case "update": {
      const routes = new Map(event.routes.map((route) => [route.origin, route]));
      return { ...state, told: new Map(state.told).set(event.neighbour, routes) };
    }
    case "services":
      return { ...state, services: event.services, seqno: renewed(state, event.nowSeqno) };
    case "renew":
      return { ...state, seqno: renewed(state, event.nowSeqno) };
  }
}

function renewed({ seqno }: RoutingState, nowSeqno: number): number {
  return Math.max(seqno + 1, nowSeqno);
}

function select(state: RoutingState): Map<string, SelectedRoute> {
  const selected = new Map<string, SelectedRoute>();
  for (const [neighbour, routes] of state.told) {
    const cost = state.costs.get(neighbour);
    if (cost === undefined) continue;
    for (const route of routes.values()) {
      if (route.origin === state.self || !isFeasible(state, route)) continue;
      const candidate = { ...route, metric: route.metric + cost, nextHop: neighbour };
      if (candidate.metric >= INFINITE_METRIC) continue;
      if (isPreferred(candidate, selected.get(route.origin), state.selected.get(route.origin))) {
        selected.set(route.origin, candidate);
      }
    }
  }
  return selected;
}

/** RFC 8966 section 3.5.1. */
function isFeasible(state: RoutingState, { origin, seqno, metric }: Advertisement): boolean {
  if (metric >= INFINITE_METRIC) return false;
  const known = state.feasible.get(origin);
  return !known || isBetter({ seqno, metric }, known);
}

function isBetter(a: Distance, b: Distance): boolean {
  return a.seqno > b.seqno || (a.seqno === b.seqno && a.metric < b.metric);
}

/** Lower cost wins; the next hop in use counts as a little cheaper, so that routes do not flap. */
function isPreferred(
  candidate: SelectedRoute,
  best: SelectedRoute | undefined,
  inUse: SelectedRoute | undefined,
): boolean {
  if (!best) return true;
  const weight = (route: SelectedRoute) =>
    route.metric * (route.nextHop === inUse?.nextHop ? HYSTERESIS : 1);
  return weight(candidate) < weight(best);
}

function sameRoutes(
  a: ReadonlyMap<string, SelectedRoute>,
  b: ReadonlyMap<string, SelectedRoute>,
): boolean {
  return a.size === b.size && [...a].every(([origin, route]) => sameRoute(route, b.get(origin)));
}

function sameRoute(a: SelectedRoute, b: SelectedRoute | undefined): boolean {
  return (
    b !== undefined &&
    a.nextHop === b.nextHop &&
    a.metric === b.metric &&
    a.seqno === b.seqno &&
    a.services.join() === b.services.join()
  );
}

function without<K, V>(map: ReadonlyMap<K, V>, key: K): Map<K, V> {
  const copy = new Map(map);
  copy.delete(key);
  return copy;
}
