/** Which object a request means. Pure. */

/** Longer ones are refused. */
export const ADDRESS_MAX_CHARS = 4_096;

/** What players tell with a request and no answer depends on (CTA-5004 CMCD). */
const IGNORED_PARAMETERS: readonly string[] = ["CMCD"];

export type Kind = "playlist" | "segment" | "other";

export interface Address {
  /** Path and sorted query; the key of the object in the cache. */
  key: string;
  path: string;
  kind: Kind;
  /** Who watches, as the player names itself; undefined: it does not. */
  session: string | undefined;
}

/** Undefined when it is not an address that an origin could have: too long, not normal, escaping its folder. */
export function addressOf(target: string): Address | undefined {
  if (target.length > ADDRESS_MAX_CHARS || !target.startsWith("/") || target.includes("\\"))
    return undefined;
  const at = target.indexOf("?");
  const path = at < 0 ? target : target.slice(0, at);
  // "//", "/./", "/../" and their escapes mean different things to different servers.
  if (/\/\/|\/\.{1,2}(?:\/|$)|%2e|%2f|%5c|%00/i.test(path)) return undefined;
  const parameters = new URLSearchParams(at < 0 ? "" : target.slice(at + 1));
  const session = sessionIn(parameters.get("CMCD"));
  for (const name of IGNORED_PARAMETERS) parameters.delete(name);
  parameters.sort();
  const query = parameters.toString();
  return { key: query === "" ? path : `${path}?${query}`, path, kind: kindOf(path), session };
}

export function kindOf(path: string): Kind {
  if (path.endsWith(".m3u8")) return "playlist";
  return /\.(?:m4s|mp4|m4a|m4v|ts|aac|vtt)$/.test(path) ? "segment" : "other";
}

/** "bl=21300,sid=\"6e2fb550-c457\"" -> "6e2fb550-c457" */
function sessionIn(cmcd: string | null): string | undefined {
  return cmcd === null ? undefined : /(?:^|,)sid="([^"]{1,64})"/.exec(cmcd)?.[1];
}
