/** Which object a request means. Pure. */
import { TOKEN_PARAMETER } from "./token-query.ts";

/** Longer ones are refused. */
export const ADDRESS_MAX_CHARS = 4_096;

/** Below it, edges ask each other; no origin is asked for anything there. */
export const OWN_PATH = "/.glassline/";

/** What a player asks of a playlist (RFC 8216bis section 6.2.5). */
const DIRECTIVES: Readonly<Record<string, RegExp>> = {
  _HLS_msn: /^(?:0|[1-9]\d{0,14})$/,
  _HLS_part: /^(?:0|[1-9]\d{0,8})$/,
  _HLS_skip: /^(?:YES|v2)$/,
};

/** What a player tells with its requests for playlists and segments: of itself (CTA-5004), and who it is (RFC 6750 section 2.3). */
const OF_VIEWERS: ReadonlySet<string> = new Set(["CMCD", TOKEN_PARAMETER]);

/** Names of parameters on which no object depends. "*": all, but for directives. */
export type IgnoredQuery = ReadonlySet<string>;
const NOTHING_IGNORED: IgnoredQuery = new Set();

export type Kind = "playlist" | "segment" | "other";

export interface Address {
  /** Path in its normal form, and query, with the directives of HLS sorted at its end; the key of the object in the cache, and what the origin is asked. */
  key: string;
  /** The same without directives. */
  resource: string;
  path: string;
  kind: Kind;
  /** Waits for a media sequence number (RFC 8216bis section 6.2.5.2). */
  isBlocking: boolean;
  /** Who watches, as the player names itself; undefined: it does not. */
  session: string | undefined;
}

/** Undefined when it is not an address that an origin could have: too long, not normal, escaping its folder. */
export function addressOf(target: string, ignored = NOTHING_IGNORED): Address | undefined {
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
  const { kept, directives, session } = queryOf(at < 0 ? "" : target.slice(at + 1), kind, ignored);
  const resource = withQuery(path, kept.join("&"));
  const key = withQuery(resource, directives.join("&"));
  const isBlocking = directives.some((pair) => pair.startsWith("_HLS_msn="));
  return { key, resource, path, kind, isBlocking, session };
}

/** That of the same playlist, whole or as a delta update, as it is now. */
export function unwaited(address: Address): Address {
  const skip = /[?&](_HLS_skip=[^&]+)$/.exec(address.key)?.[1] ?? "";
  return { ...address, key: withQuery(address.resource, skip), isBlocking: false };
}

export function withQuery(target: string, query: string): string {
  return query === "" ? target : `${target}${target.includes("?") ? "&" : "?"}${query}`;
}

interface Query {
  /** As they came. */
  kept: string[];
  /** Sorted. */
  directives: string[];
  session: string | undefined;
}

function queryOf(query: string, kind: Kind, ignored: IgnoredQuery): Query {
  const kept: string[] = [];
  const asked = new Map<string, string[]>();
  let session: string | undefined;
  for (const pair of query === "" ? [] : query.split("&")) {
    const [[name, value] = ["", ""]] = new URLSearchParams(pair);
    const isViewers = kind !== "other" && OF_VIEWERS.has(name);
    if (isViewers) session ??= name === "CMCD" ? sessionIn(value) : undefined;
    else if (kind === "playlist" && Object.hasOwn(DIRECTIVES, name))
      asked.set(name, [...(asked.get(name) ?? []), value]);
    else if (!ignored.has("*") && !ignored.has(name)) kept.push(pair);
  }
  return { kept, directives: directivesIn(asked), session };
}

/** What is no directive is none of anybody's: no viewer makes copies by it. */
function directivesIn(asked: ReadonlyMap<string, readonly string[]>): string[] {
  const valid = [...asked].flatMap(([name, [value = "", ...more]]) =>
    more.length === 0 && DIRECTIVES[name]!.test(value) ? [`${name}=${value}`] : [],
  );
  const hasSegment = valid.some((pair) => pair.startsWith("_HLS_msn="));
  // A part of no segment.
  return valid.filter((pair) => hasSegment || !pair.startsWith("_HLS_part=")).toSorted();
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
function sessionIn(cmcd: string): string | undefined {
  return /(?:^|,)sid="([^"]{1,64})"/.exec(cmcd)?.[1];
}
