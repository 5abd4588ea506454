import type { Edge } from "@glassline/proto/dashboard";
import type { TrafficCounts } from "@glassline/proto/edge";

/** Share of answers that needed no fetch of their own, from 0 to 1; undefined: nothing was asked. */
export function hitRatio(counts: readonly (TrafficCounts | undefined)[]): number | undefined {
  let served = 0;
  let missed = 0;
  for (const { hits, coalesced, misses } of counts.filter((each) => each !== undefined)) {
    served += Number(hits) + Number(coalesced);
    missed += Number(misses);
  }
  return served + missed > 0 ? served / (served + missed) : undefined;
}

/** Share of the bytes sent that did not have to come from the origin, from 0 to 1; undefined: nothing was sent. */
export function originOffload({ sentBytes, originBytes }: TrafficCounts): number | undefined {
  // An edge that was asked little may have fetched more than it sent.
  return sentBytes > 0n ? Math.max(0, 1 - Number(originBytes) / Number(sentBytes)) : undefined;
}

export function requestCount({ requests }: TrafficCounts): number {
  return Object.values(requests).reduce((sum, count) => sum + Number(count), 0);
}

/** What all edges do together. */
export interface EdgeTotals {
  ready: number;
  all: number;
  viewers: number;
  hitRatio: number | undefined;
}

export function totalsOf(edges: readonly Edge[]): EdgeTotals {
  return {
    ready: edges.filter((edge) => edge.reachable).length,
    all: edges.length,
    viewers: edges.reduce((sum, { status }) => sum + (status?.viewers ?? 0), 0),
    hitRatio: hitRatio(edges.map(({ status }) => status?.recent)),
  };
}
