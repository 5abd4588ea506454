/** Which responses a shared cache may store, and what of them (RFC 9111 section 3). Pure. */
import type { ResponseDirectives } from "./directives.ts";
import { fieldNamesOf, isUnqualified } from "./directives.ts";
import type { Fields } from "./fields.ts";
import type { Received } from "./freshness.ts";
import { explicitLifetimeMs, isHeuristicallyCacheable } from "./freshness.ts";

export interface Asked {
  method: string;
  fields: Fields;
  /** The request says no-store (section 5.2.1.5). */
  noStore: boolean;
}

/** Final statuses whose caching rules this cache knows; others are stored only without must-understand (section 5.2.2.3). */
const UNDERSTOOD: ReadonlySet<number> = new Set([
  200, 203, 204, 206, 300, 301, 302, 303, 307, 308, 400, 403, 404, 405, 410, 414, 500, 501, 502,
  503, 504,
]);

/** Not of the object, but of what was asked: conditions and ranges (RFC 9110 section 13 and 14). */
const ABOUT_THE_REQUEST: ReadonlySet<number> = new Set([304, 412, 416]);

export function mayStore(asked: Asked, received: Received, told: ResponseDirectives): boolean {
  const { directives } = told;
  if (asked.method !== "GET" || asked.noStore || received.status < 200) return false;
  if (ABOUT_THE_REQUEST.has(received.status)) return false;
  // An answer to a range says nothing to those who ask for the whole, but that it is the whole or a part.
  if (asked.fields.has("range") && received.status !== 200 && received.status !== 206) return false;
  if (directives.has("must-understand")) {
    if (!UNDERSTOOD.has(received.status)) return false;
  } else if (directives.has("no-store")) return false;
  if (isUnqualified(directives, "private")) return false;
  if (asked.fields.has("authorization") && !allowsAuthorized(told)) return false;
  if (received.fields.tokens("vary").includes("*")) return false;
  return (
    explicitLifetimeMs(received, told) !== undefined ||
    isHeuristicallyCacheable(received.status, told)
  );
}

/** Section 3.5. */
function allowsAuthorized({ directives }: ResponseDirectives): boolean {
  return ["public", "s-maxage", "must-revalidate"].some((name) => directives.has(name));
}

/** Without what may not be stored or not be used again unasked: fields named by private and no-cache (sections 5.2.2.4 and 5.2.2.7). */
export function storedFields(fields: Fields, { directives }: ResponseDirectives): Fields {
  const left = new Set<string>();
  for (const name of ["private", "no-cache"])
    for (const field of fieldNamesOf(directives, name) ?? []) left.add(field);
  return left.size === 0 ? fields : fields.without(left);
}

/** What a 304 or a 206 never changes of what is stored (section 3.2): it describes the stored content. */
const KEPT: ReadonlySet<string> = new Set([
  "content-encoding",
  "content-length",
  "content-md5",
  "content-range",
  "content-type",
  "etag",
]);
/** A new content type is believed: the bytes are the same. */
const UPDATED_BY_304: ReadonlySet<string> = new Set(["content-type"]);

/** Stored fields after a 304, or a HEAD, that is about the same content (section 4.3.4 and 4.3.5). */
export function updatedFields(stored: Fields, news: Fields): Fields {
  const updates = news.lines.filter(([name]) => !KEPT.has(name) || UPDATED_BY_304.has(name));
  const names = new Set(updates.map(([name]) => name));
  return stored.without(names).with(...updates);
}
