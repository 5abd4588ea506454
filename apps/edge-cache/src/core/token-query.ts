/** The token in a request's address (RFC 6750 section 2.3). Pure. */

export const TOKEN_PARAMETER = "access_token";
const PAIR_START = `${TOKEN_PARAMETER}=`;

export interface SplitTarget {
  /** Path and query without the token: what cache and origin see. */
  rest: string;
  /** Of several, which is one too many, all: together they are no token. */
  token: string;
}

/** Undefined: it has none. */
export function splitTarget(target: string): SplitTarget | undefined {
  const first = pairAt(target, target.indexOf("?"));
  if (first < 0) return undefined;
  const tokens: string[] = [];
  let rest = target;
  for (let at = first; at >= 0; at = pairAt(rest, at - 1)) {
    const end = rest.indexOf("&", at);
    tokens.push(rest.slice(at + PAIR_START.length, end < 0 ? undefined : end));
    rest = end < 0 ? rest.slice(0, at - 1) : rest.slice(0, at) + rest.slice(end + 1);
  }
  return { rest, token: tokens.join() };
}

/** Where the parameter begins. @param from at the "?" or behind it; below 0: there is no query. */
function pairAt(target: string, from: number): number {
  if (from < 0) return -1;
  let at = target.indexOf(PAIR_START, from);
  while (at >= 0 && target[at - 1] !== "?" && target[at - 1] !== "&")
    at = target.indexOf(PAIR_START, at + 1);
  return at;
}

/** Values of the parameter however its name is spelt, and whatever else looks like a JWS of ours: its header is JSON. */
const SECRET =
  /((?:[?&]|%3F|%26)(?:a|%61)ccess(?:_|%5F)token(?:=|%3D))[^&#\s"]*|eyJ[\w-]{8,}[^&#\s"]*/gi;

/** A text for logs: without tokens. */
export function redacted(text: string): string {
  return text.replaceAll(SECRET, (_all, name?: string) => `${name ?? ""}REDACTED`);
}
