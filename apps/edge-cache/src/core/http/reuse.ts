/** Whether a stored response may be used for a request (RFC 9111 section 4 and 5.2.1, RFC 5861). Pure. */
import type { Directives } from "./directives.ts";
import { directivesOf, secondsOf } from "./directives.ts";
import type { Fields } from "./fields.ts";
import type { Policy } from "./freshness.ts";

/** "fresh": as it is. "behind": as it is, and the origin is asked behind the client's back. "validate": the origin is asked first. */
export type Use = "fresh" | "behind" | "validate";

/** What the client says of caching; Pragma counts where Cache-Control is not there (section 5.4). */
export function requestDirectives(request: Fields): Directives {
  const cacheControl = request.combined("cache-control");
  if (cacheControl !== undefined) return directivesOf(cacheControl);
  const isNoCache = request.tokens("pragma").some((token) => token.toLowerCase() === "no-cache");
  return directivesOf(isNoCache ? "no-cache" : undefined);
}

export function useOf(policy: Policy, ageMs: number, asked: Directives): Use {
  const { lifetimeMs, noCache, mustRevalidate, staleWhileRevalidateMs } = policy;
  if (noCache || asked.has("no-cache")) return "validate";
  if (ageMs > msOf(asked, "max-age", Number.POSITIVE_INFINITY)) return "validate";
  const leftMs = lifetimeMs - ageMs;
  if (leftMs > 0 && leftMs >= msOf(asked, "min-fresh", 0)) return "fresh";
  if (mustRevalidate || asked.has("min-fresh")) return "validate";
  const staleMs = -leftMs;
  if (asked.has("max-stale") && staleMs <= maxStaleMs(asked)) return "fresh";
  return staleMs < staleWhileRevalidateMs ? "behind" : "validate";
}

/** Without a number: however stale it is. */
function maxStaleMs(asked: Directives): number {
  return asked.get("max-stale") === "" ? Number.POSITIVE_INFINITY : msOf(asked, "max-stale", 0);
}

/**
 * Whether a stale response may be used because the origin cannot be asked, or answers that it failed.
 * @param defaultMs where neither side says how stale it may be.
 */
export function mayUseOnError(
  policy: Policy,
  ageMs: number,
  asked: Directives,
  defaultMs: number,
): boolean {
  const { lifetimeMs, noCache, mustRevalidate, staleIfErrorMs } = policy;
  if (noCache || mustRevalidate || asked.has("no-cache")) return false;
  const allowedMs = msOf(asked, "stale-if-error", staleIfErrorMs ?? defaultMs);
  return ageMs - lifetimeMs <= allowedMs;
}

function msOf(directives: Directives, name: string, otherwise: number): number {
  const seconds = secondsOf(directives, name);
  return seconds === undefined ? otherwise : seconds * 1_000;
}
