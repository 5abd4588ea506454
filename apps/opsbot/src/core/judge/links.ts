/** Links of a mesh node. Pure. */
import type { LinkStatus } from "@glassline/proto/mesh";

import type { Limits } from "../range.ts";
import { stateOf } from "../range.ts";
import type { Verdict } from "../verdict.ts";
import { worstOf } from "../verdict.ts";
import { counted } from "../words.ts";

type Link = Pick<LinkStatus, "neighbour" | "up" | "rttMs" | "cost" | "keyExchange">;

/**
 * A node tells the links that it has: one that was lost may be missing.
 * @param expected neighbours that must be linked; none: those that are told, and at least one.
 * @param limits of a link's round trip, milliseconds.
 */
export function judgeLinks(
  links: readonly Link[],
  expected: readonly string[] = [],
  limits: Limits = {},
): Verdict {
  const up = links.filter((link) => link.up);
  const names = expected.length > 0 ? expected : links.map(({ neighbour }) => neighbour);
  const down = names.filter((name) => !up.some(({ neighbour }) => neighbour === name));
  const isCut = down.length > 0 || up.length === 0;
  const slow = up.filter(({ rttMs }) => stateOf(rttMs, limits) !== "ok");
  const trouble = isCut
    ? down.map((name) => `the link to ${name} is down`)
    : slow.map(({ neighbour, rttMs }) => `${neighbour} answers in ${rttMs.toFixed(1)} ms`);
  const well = up.length === 0 ? "it has no link" : `${counted(up.length, "link")} up`;
  return {
    state: isCut ? "critical" : worstOf(slow.map(({ rttMs }) => stateOf(rttMs, limits))),
    output: trouble.length > 0 ? trouble.join(", ") : well,
    measures: [
      { label: "links_up", value: up.length, unit: "", min: 0 },
      { label: "links_down", value: down.length, unit: "", min: 0 },
      ...up.map(({ neighbour, rttMs }) => ({
        label: `rtt_${neighbour}`,
        value: rttMs,
        unit: "ms" as const,
        limits,
        min: 0,
      })),
    ],
    details: links.map(
      ({ neighbour, up, rttMs, cost, keyExchange }) =>
        `${neighbour}: ${up ? "up" : "down"}, ${rttMs.toFixed(1)} ms, cost ${cost}${keyExchange && `, keys by ${keyExchange}`}`,
    ),
  };
}
