/** How long an answer of the origin may be served again. Pure. */
import type { Kind } from "./address.ts";

export interface OriginAnswer {
  status: number;
  /** Lower-case names. */
  headers: Readonly<Record<string, string | undefined>>;
  body: Buffer;
}

/** Answers that a cache may keep without being told for how long (RFC 9110 section 15.1) and that we serve again. */
const KEPT_STATUSES: ReadonlySet<number> = new Set([200, 404, 410]);
/** A segment that is not there yet will be in a moment. */
const NEGATIVE_FRESH_MS = 250;

/** Milliseconds; 0: it is not stored. Source: RFC 9111 section 3 and 4.2.1; RFC 8216bis for playlists. */
export function freshMs({ status, headers, body }: OriginAnswer, kind: Kind): number {
  if (!KEPT_STATUSES.has(status)) return 0;
  const directives = directivesOf(headers["cache-control"]);
  if (["no-store", "private", "no-cache"].some((name) => directives.has(name))) return 0;
  if (status !== 200) return NEGATIVE_FRESH_MS;
  const toldMs = seconds(directives.get("s-maxage")) ?? seconds(directives.get("max-age"));
  if (kind !== "playlist") return toldMs ?? 0;
  const halfSegmentMs = halfSegment(body);
  // A playlist that is served longer than half a segment makes players freeze.
  return halfSegmentMs === undefined
    ? (toldMs ?? 0)
    : Math.min(toldMs ?? halfSegmentMs, halfSegmentMs);
}

/** Half the target duration of a media playlist; undefined for any other text. */
function halfSegment(body: Buffer): number | undefined {
  const match = /^#EXT-X-TARGETDURATION:(\d+)/m.exec(body.toString("latin1", 0, 1_024));
  return match ? Number(match[1]) * 500 : undefined;
}

function directivesOf(cacheControl: string | undefined): Map<string, string> {
  const parts = (cacheControl ?? "").toLowerCase().split(",");
  return new Map(
    parts.map((part) => {
      const [name = "", value = ""] = part.split("=");
      return [name.trim(), value.trim()];
    }),
  );
}

function seconds(value: string | undefined): number | undefined {
  return value !== undefined && /^\d+$/.test(value) ? Number(value) * 1_000 : undefined;
}
