/** The Cache-Status header. Source: RFC 9211. */

export type Outcome =
  /** Served from the store. */
  | { kind: "hit"; ttlS: number }
  /** Waited for the fetch of another request. */
  | { kind: "coalesced"; status: number; stored: boolean }
  /** Fetched. */
  | { kind: "miss"; reason: "uri-miss" | "stale" | "method"; status: number; stored: boolean };

/** @param cache this cache's name, e.g. "edge-1". */
export function cacheStatus(cache: string, outcome: Outcome): string {
  const name = JSON.stringify(cache);
  if (outcome.kind === "hit") return `${name}; hit; ttl=${Math.max(0, Math.floor(outcome.ttlS))}`;
  const reason = outcome.kind === "miss" ? outcome.reason : "uri-miss";
  const collapsed = outcome.kind === "coalesced" ? "; collapsed" : "";
  return `${name}; fwd=${reason}; fwd-status=${outcome.status}${outcome.stored ? "; stored" : ""}${collapsed}`;
}
