/** For how long a response is fresh, and how old it is (RFC 9111 section 4.2). Pure. */
import { httpDate } from "./dates.ts";
import type { ResponseDirectives } from "./directives.ts";
import { isUnqualified, secondsOf } from "./directives.ts";
import type { Fields } from "./fields.ts";

/** Statuses that may be stored without being told (RFC 9110 section 15.1), 206 with the ranges that it has. */
const HEURISTIC: ReadonlySet<number> = new Set([
  200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 501,
]);
/** A tenth of the time since the last change (RFC 9111 section 4.2.2), at most a day. */
const HEURISTIC_DIVISOR = 10;
const HEURISTIC_MAX_MS = 86_400_000;

/** What is known of when a response was made; Unix milliseconds. */
export interface Received {
  status: number;
  fields: Fields;
  /** When the request for it was sent, and when its head came. */
  requestMs: number;
  responseMs: number;
}

/** When it was made, by the origin's clock; when it came, if that says nothing. */
export function dateOf({ fields, responseMs }: Received): number {
  return httpDate(fields.first("date"), responseMs) ?? responseMs;
}

export function isHeuristicallyCacheable(
  status: number,
  { directives }: ResponseDirectives,
): boolean {
  return HEURISTIC.has(status) || directives.has("public");
}

/** Milliseconds that the response says (section 4.2.1); undefined: it says nothing. */
export function explicitLifetimeMs(
  received: Received,
  { directives, isTargeted }: ResponseDirectives,
): number | undefined {
  const seconds = secondsOf(directives, "s-maxage") ?? secondsOf(directives, "max-age");
  if (seconds !== undefined) return seconds * 1_000;
  const expires = received.fields.all("expires");
  if (isTargeted || expires.length === 0) return undefined;
  // An invalid one is in the past (section 5.3).
  const expiresMs = httpDate(expires[0], received.responseMs);
  return expiresMs === undefined ? 0 : Math.max(0, expiresMs - dateOf(received));
}

/** Milliseconds (section 4.2.1 and 4.2.2). */
export function lifetimeMs(received: Received, told: ResponseDirectives): number {
  const explicit = explicitLifetimeMs(received, told);
  if (explicit !== undefined) return explicit;
  const modifiedMs = httpDate(received.fields.first("last-modified"), received.responseMs);
  if (modifiedMs === undefined || !isHeuristicallyCacheable(received.status, told)) return 0;
  const sinceMs = dateOf(received) - modifiedMs;
  return Math.min(HEURISTIC_MAX_MS, Math.max(0, sinceMs / HEURISTIC_DIVISOR));
}

/** How old the response was when it came: corrected_initial_age, milliseconds (section 4.2.3). */
export function initialAgeMs(received: Received): number {
  const { fields, requestMs, responseMs } = received;
  // Dates are cut to whole seconds: counted exactly, each response would seem half a second old.
  const wholeSecondMs = responseMs - (responseMs % 1_000);
  const apparentMs = Math.max(0, wholeSecondMs - dateOf(received));
  const correctedMs = ageMs(fields) + (responseMs - requestMs);
  return Math.max(apparentMs, correctedMs);
}

/** Of several values the first counts; one that is no number is ignored (section 5.1). */
function ageMs(fields: Fields): number {
  const value = fields.first("age")?.split(",")[0]?.trim() ?? "";
  return /^\d+$/.test(value) ? Math.min(Number(value), 2_147_483_648) * 1_000 : 0;
}

/** What a stored response allows. */
export interface Policy {
  lifetimeMs: number;
  /** Always asked about before it is used (section 5.2.2.4). */
  noCache: boolean;
  /** Never used stale (sections 5.2.2.2, 5.2.2.8, 5.2.2.10). */
  mustRevalidate: boolean;
  /** RFC 5861 section 3 and 4; milliseconds behind the end of its freshness. */
  staleWhileRevalidateMs: number;
  /** Undefined: the response does not say. */
  staleIfErrorMs: number | undefined;
}

export function policyOf(received: Received, told: ResponseDirectives): Policy {
  const { directives } = told;
  const milliseconds = (name: string) => {
    const seconds = secondsOf(directives, name);
    return seconds === undefined ? undefined : seconds * 1_000;
  };
  return {
    lifetimeMs: lifetimeMs(received, told),
    noCache: isUnqualified(directives, "no-cache"),
    mustRevalidate: ["must-revalidate", "proxy-revalidate", "s-maxage"].some((name) =>
      directives.has(name),
    ),
    staleWhileRevalidateMs: milliseconds("stale-while-revalidate") ?? 0,
    staleIfErrorMs: milliseconds("stale-if-error"),
  };
}
