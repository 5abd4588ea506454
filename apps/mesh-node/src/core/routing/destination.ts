/** What a node knows of one destination: what its neighbours told, which of them it may take, and which it takes. */
import type { Distance } from "./distance.ts";
import { INFINITE_METRIC, isBetter, isFinite } from "./distance.ts";

/** A route as a node tells it: its own distance. */
export interface Told extends Distance {
  /** What can be reached at the destination, e.g. "collector". */
  readonly services: readonly string[];
}

export interface Selected extends Told {
  readonly nextHop: string;
}

/** A sequence number that would make a route free, and who may know the way to the destination, which alone can raise it. */
export interface Wish {
  readonly seqno: number;
  readonly via: readonly string[];
  /** There is no route at all. */
  readonly isUrgent: boolean;
}

/** A route that is better by less than this does not replace the one in use. */
const HYSTERESIS = 0.9;

export class Destination {
  readonly name: string;
  /** By neighbour; those who took it back are not in it. */
  readonly told = new Map<string, Told>();
  /** The best that neighbours were ever told: the feasibility distance. */
  bound: Distance | undefined;
  selected: Selected | undefined;

  constructor(name: string) {
    this.name = name;
  }

  /** RFC 8966 section 3.5.1: who says this is nearer than this node ever was, so its way does not lead through this node. */
  isFeasible(told: Told): boolean {
    return isFinite(told) && (!this.bound || isBetter(told, this.bound));
  }

  /**
   * Takes the cheapest route; tells whether it is another one, or costs something else. The next hop in use may stay when it tells of a longer way:
   * it was nearer than this node ever was when it was taken, and its own bound only ever gets better (so section 3.5.3 of RFC 8966 ignores
   * what it tells; here it counts, and neighbours hear of it).
   */
  select(costs: ReadonlyMap<string, number>): boolean {
    const before = this.selected;
    let best: string | undefined;
    let [bestMetric, currentMetric] = [INFINITE_METRIC, INFINITE_METRIC];
    for (const [neighbour, told] of this.told) {
      const isCurrent = neighbour === before?.nextHop;
      if (!isCurrent && !this.isFeasible(told)) continue;
      const metric = told.metric + (costs.get(neighbour) ?? INFINITE_METRIC);
      if (isCurrent) currentMetric = metric;
      if (metric < bestMetric || (metric === bestMetric && best !== undefined && neighbour < best))
        [best, bestMetric] = [neighbour, metric];
    }
    if (currentMetric < INFINITE_METRIC && bestMetric >= currentMetric * HYSTERESIS)
      [best, bestMetric] = [before?.nextHop, currentMetric];
    this.selected = best === undefined ? undefined : this.#through(best, bestMetric);
    return !isSame(before, this.selected);
  }

  #through(nextHop: string, metric: number): Selected {
    const { seqno, services } = this.told.get(nextHop)!;
    return { nextHop, seqno, metric, services };
  }

  /** What neighbours are told now; it binds this node (RFC 8966 section 3.7.3). Undefined: nothing was ever told, and there is nothing. */
  tell(): Told | undefined {
    const { selected } = this;
    if (!selected)
      return this.bound && { seqno: this.bound.seqno, metric: INFINITE_METRIC, services: [] };
    const { seqno, metric, services } = selected;
    if (!this.bound || isBetter(selected, this.bound)) this.bound = { seqno, metric };
    return { seqno, metric, services };
  }

  /** Undefined: no new sequence number would help. */
  wish(costs: ReadonlyMap<string, number>): Wish | undefined {
    if (!this.bound || this.told.size === 0) return undefined;
    const seqno = this.bound.seqno + 1;
    const { selected } = this;
    if (!selected) return { seqno, via: [...this.told.keys()], isUrgent: true };
    const { nextHop } = selected;
    if (!this.isFeasible(this.told.get(nextHop)!))
      return { seqno, via: [nextHop], isUrgent: false };
    for (const [neighbour, told] of this.told) {
      const metric = told.metric + (costs.get(neighbour) ?? INFINITE_METRIC);
      if (metric < selected.metric * HYSTERESIS && !this.isFeasible(told))
        return { seqno, via: [neighbour], isUrgent: false };
    }
    return undefined;
  }
}

function isSame(a: Selected | undefined, b: Selected | undefined): boolean {
  if (!a || !b) return a === b;
  return (
    a.nextHop === b.nextHop &&
    a.metric === b.metric &&
    a.seqno === b.seqno &&
    (a.services === b.services || a.services.join() === b.services.join())
  );
}
