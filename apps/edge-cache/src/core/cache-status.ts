/** The Cache-Status header. Source: RFC 9211. */

export type Outcome =
  /** Served from the store. */
  | { kind: "hit"; ttlS: number }
  /** Waited for the fetch of another request, or fetched itself. */
  | { kind: "coalesced" | "miss"; reason: MissReason; status: number; stored: boolean };

/** Nothing was stored, or it was too old. */
export type MissReason = "uri-miss" | "stale";

/** @param cache this cache's name, e.g. "edge-1". */
export function cacheStatus(cache: string, outcome: Outcome): string {
  const name = JSON.stringify(cache);
  if (outcome.kind === "hit") return `${name}; hit; ttl=${Math.max(0, Math.floor(outcome.ttlS))}`;
  const collapsed = outcome.kind === "coalesced" ? "; collapsed" : "";
  return `${name}; fwd=${outcome.reason}; fwd-status=${outcome.status}${outcome.stored ? "; stored" : ""}${collapsed}`;
}
