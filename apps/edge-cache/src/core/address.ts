/** Which object a request means. Pure. */

/** Longer ones are refused. */
export const ADDRESS_MAX_CHARS = 4_096;

/** Below it, edges ask each other; no origin is asked for anything there. */
export const OWN_PATH = "/.glassline/";

/** What a playlist may depend on (RFC 8216bis section 6.2.5). Any other parameter would let anybody fill the cache with copies. */
const KEPT_PARAMETERS: Readonly<Record<string, RegExp>> = {
  _HLS_msn: /^(?:0|[1-9]\d{0,14})$/,
  _HLS_part: /^(?:0|[1-9]\d{0,8})$/,
  _HLS_skip: /^(?:YES|v2)$/,
};

export type Kind = "playlist" | "segment" | "other";

export interface Address {
  /** Path in its normal form, and query, that of HLS sorted; the key of the object in the cache, and what the origin is asked. */
  key: string;
  path: string;
  kind: Kind;
  /** Waits for a media sequence number (RFC 8216bis section 6.2.5.2). */
  isBlocking: boolean;
  /** Who watches, as the player names itself; undefined: it does not. */
  session: string | undefined;
}

/** Undefined when it is not an address that an origin could have: too long, not normal, escaping its folder. */
export function addressOf(target: string): Address | undefined {
  if (target.length > ADDRESS_MAX_CHARS || !target.startsWith("/") || target.includes("\\"))
    return undefined;
  const at = target.indexOf("?");
  const path = normalPath(at < 0 ? target : target.slice(0, at));
  // "//", "/./", "/../" and their escapes mean different things to different servers.
  if (
    path === undefined ||
    path.startsWith(OWN_PATH) ||
    /\/\/|\/\.{1,2}(?:\/|$)|%2F|%5C|%00/.test(path)
  )
    return undefined;
  const kind = kindOf(path);
  const search = at < 0 ? "" : target.slice(at);
  if (kind === "other")
    return {
      key: search === "?" ? path : path + search,
      path,
      kind,
      isBlocking: false,
      session: undefined,
    };
  const parameters = new URLSearchParams(search);
  // CTA-5004.
  const session = sessionIn(parameters.get("CMCD"));
  for (const name of new Set(parameters.keys()))
    if (kind === "segment" || !isKept(name, parameters.getAll(name))) parameters.delete(name);
  parameters.sort();
  const query = parameters.toString();
  const isBlocking = kind === "playlist" && parameters.has("_HLS_msn");
  return { key: query === "" ? path : `${path}?${query}`, path, kind, isBlocking, session };
}

function isKept(name: string, values: readonly string[]): boolean {
  const pattern = Object.hasOwn(KEPT_PARAMETERS, name) ? KEPT_PARAMETERS[name] : undefined;
  return pattern !== undefined && values.length === 1 && pattern.test(values[0]!);
}

/** One spelling for each path (RFC 3986 section 6.2.2); undefined for a "%" that escapes nothing. */
function normalPath(path: string): string | undefined {
  if (/%(?![0-9a-f]{2})/i.test(path)) return undefined;
  return path.replaceAll(/%([0-9a-f]{2})/gi, (escape, digits: string) => {
    const character = String.fromCharCode(Number.parseInt(digits, 16));
    return /[A-Za-z0-9\-._~]/.test(character) ? character : escape.toUpperCase();
  });
}

export function kindOf(path: string): Kind {
  if (path.endsWith(".m3u8")) return "playlist";
  return /\.(?:m4s|mp4|m4a|m4v|ts|aac|vtt)$/.test(path) ? "segment" : "other";
}

/** "bl=21300,sid=\"6e2fb550-c457\"" -> "6e2fb550-c457" */
function sessionIn(cmcd: string | null): string | undefined {
  return cmcd === null ? undefined : /(?:^|,)sid="([^"]{1,64})"/.exec(cmcd)?.[1];
}
