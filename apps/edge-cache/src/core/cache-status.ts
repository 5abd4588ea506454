/** The Cache-Status header. Source: RFC 9211. */

export type Outcome =
  /** This edge's own answer, of which it says nothing (section 2). */
  | { kind: "none" }
  /** Served from the store; what is stale has a ttl below 0. */
  | { kind: "hit"; ttlS: number }
  /** Asked the origin, or waited for the question of another request. */
  | {
      kind: "coalesced" | "miss";
      reason: ForwardReason;
      status: number | undefined;
      stored: boolean;
    };

/** Why the origin was asked (RFC 9211 section 2.2). */
export type ForwardReason = "uri-miss" | "vary-miss" | "stale" | "partial" | "request" | "method";

/** It came from the store, or is there now. */
export const isKept = (outcome: Outcome): boolean =>
  outcome.kind === "hit" || (outcome.kind !== "none" && outcome.stored);

/** @param cache this cache's name, e.g. "edge-1". */
export function cacheStatus(cache: string, outcome: Exclude<Outcome, { kind: "none" }>): string {
  const name = quoted(cache);
  if (outcome.kind === "hit") return `${name}; hit; ttl=${Math.floor(outcome.ttlS)}`;
  const { kind, reason, status, stored } = outcome;
  return [
    `${name}; fwd=${reason}`,
    ...(status === undefined ? [] : [`fwd-status=${status}`]),
    ...(stored ? ["stored"] : []),
    ...(kind === "coalesced" ? ["collapsed"] : []),
  ].join("; ");
}

let last = { name: "", quoted: '""' };

/** As a string of structured fields (RFC 9651 section 3.3.3). A process says its own name again and again. */
function quoted(name: string): string {
  if (last.name !== name) last = { name, quoted: JSON.stringify(name) };
  return last.quoted;
}
