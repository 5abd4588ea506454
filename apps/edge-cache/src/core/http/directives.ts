/** Cache directives: of Cache-Control (RFC 9111 section 5.2), and of fields for caches like this one (RFC 9213). Pure. */
import { parseDictionary } from "structured-headers";

import type { Fields } from "./fields.ts";

/** By name in lower case. A directive without an argument is "". */
export type Directives = ReadonlyMap<string, string>;

const NONE: Directives = new Map();
/** A token, then perhaps "=" and a token or a quoted string; what fits neither is read up to the next comma. */
const DIRECTIVE =
  /\s*(?:([!#$%&'*+\-.^_`|~\w]+)(?:=(?:"((?:[^"\\]|\\.)*)"|([^\s,;"]*)))?\s*(?=,|$)|([^,]*))(?:,|$)/gy;
/** Seconds beyond which all is one (RFC 9111 section 1.2.2). */
const SECONDS_MAX = 2_147_483_648;

/** Fields that tell this cache apart from others, the nearest first (RFC 9213 section 2.2). */
const TARGETED = ["cdn-cache-control"] as const;
const WITH_SECONDS: ReadonlySet<string> = new Set([
  "max-age",
  "s-maxage",
  "stale-while-revalidate",
  "stale-if-error",
]);

/** Of two with one name, the first counts (RFC 9111 section 4.2.1). */
export function directivesOf(value: string | undefined): Directives {
  if (value === undefined) return NONE;
  const directives = new Map<string, string>();
  DIRECTIVE.lastIndex = 0;
  while (DIRECTIVE.lastIndex < value.length) {
    const match = DIRECTIVE.exec(value);
    if (!match) break;
    const [, name, quoted, token, odd] = match;
    if (name !== undefined)
      add(directives, name, quoted?.replaceAll(/\\(.)/g, "$1") ?? token ?? "");
    // "max-age =1": it was meant to say something, and does not: stale (RFC 9111 section 4.2.1).
    else if (odd !== undefined) add(directives, /^\s*([\w-]+)/.exec(odd)?.[1] ?? "", "invalid");
  }
  return directives;
}

function add(directives: Map<string, string>, name: string, value: string): void {
  const key = name.toLowerCase();
  if (!directives.has(key)) directives.set(key, value);
}

/** What a response says to a cache like this one. */
export interface ResponseDirectives {
  directives: Directives;
  /** Of a targeted field: Cache-Control and Expires say nothing then (RFC 9213 section 2.2). */
  isTargeted: boolean;
}

export function responseDirectives(fields: Fields): ResponseDirectives {
  for (const name of TARGETED) {
    const directives = targeted(fields.combined(name));
    if (directives) return { directives, isTargeted: true };
  }
  return { directives: directivesOf(fields.combined("cache-control")), isTargeted: false };
}

/** A dictionary of structured fields (RFC 9651); undefined when it is not there, empty, or malformed: then it is ignored as a whole. */
function targeted(value: string | undefined): Directives | undefined {
  if (value === undefined) return undefined;
  try {
    const directives = new Map<string, string>();
    for (const [name, [item]] of parseDictionary(value)) {
      const isNumber = typeof item === "number";
      if (WITH_SECONDS.has(name) && !(isNumber && Number.isInteger(item))) return undefined;
      if (item !== false)
        directives.set(name, typeof item === "string" || isNumber ? String(item) : "");
    }
    return directives.size === 0 ? undefined : directives;
  } catch {
    return undefined;
  }
}

/** Seconds of a directive. Undefined: it is not there. 0: it is there and says no number, which is stale. */
export function secondsOf(directives: Directives, name: string): number | undefined {
  const value = directives.get(name);
  if (value === undefined) return undefined;
  return /^\d+$/.test(value) ? Math.min(Number(value), SECONDS_MAX) : 0;
}

/** Names of fields in a qualified directive: no-cache="set-cookie". Undefined: it is not there, or about the whole response. */
export function fieldNamesOf(
  directives: Directives,
  name: string,
): ReadonlySet<string> | undefined {
  const value = directives.get(name);
  if (!value || value === "invalid") return undefined;
  return new Set(value.split(",").map((each) => each.trim().toLowerCase()));
}

/** Whether a directive is about the whole response. */
export function isUnqualified(directives: Directives, name: string): boolean {
  return directives.has(name) && fieldNamesOf(directives, name) === undefined;
}
