/** How well an edge is, by what it tells of itself. Pure. */
import type { GetStatusResponse } from "@glassline/proto/edge";

import type { Limits } from "../range.ts";
import { atLeast, stateOf } from "../range.ts";
import type { Verdict } from "../verdict.ts";
import { counted } from "../words.ts";

/** Percent. */
export const HIT_RATE: Limits = { warning: atLeast(50), critical: atLeast(20) };
/** With fewer viewers the share of hits says nothing: each object is new to somebody. */
export const HIT_RATE_LEAST_VIEWERS = 10;

export const NOT_ANSWERING: Verdict = { state: "critical", output: "it does not answer" };
/** Nobody can tell; that the edge is away is told by its own check. */
export const UNKNOWN_EDGE: Verdict = { state: "unknown", output: "the edge does not answer" };

type Status = Pick<GetStatusResponse, "viewers" | "objects" | "originReachable" | "recent">;

export function judgeHealth({
  viewers,
  objects,
  originReachable,
}: Omit<Status, "recent">): Verdict {
  const measures = [
    { label: "viewers", value: viewers, unit: "", min: 0 },
    { label: "objects", value: objects, unit: "", min: 0 },
  ] as const;
  return originReachable
    ? {
        state: "ok",
        output: `${counted(viewers, "viewer")}, ${counted(objects, "object")}`,
        measures,
      }
    : { state: "warning", output: "it does not reach its origin", measures };
}

/** The share of requests of the last minute that were served without the origin. @returns undefined: it tells none. */
export function judgeHitRate(
  { viewers, recent }: Pick<Status, "viewers" | "recent">,
  limits: Limits = HIT_RATE,
  leastViewers = HIT_RATE_LEAST_VIEWERS,
): Verdict | undefined {
  if (!recent) return undefined;
  const { hits, coalesced, misses } = recent;
  const all = Number(hits + coalesced + misses);
  if (viewers < leastViewers || all === 0)
    return { state: "ok", output: `${counted(viewers, "viewer")}: too few to judge` };
  const value = (100 * Number(hits + coalesced)) / all;
  return {
    state: stateOf(value, limits),
    output: `${value.toFixed(0)} % of ${all} requests`,
    measures: [
      { label: "hit_rate", value, unit: "%", limits, min: 0, max: 100 },
      { label: "requests", value: all, unit: "", min: 0 },
      { label: "viewers", value: viewers, unit: "", min: 0 },
    ],
  };
}
