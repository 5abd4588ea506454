/** Conditional requests: those of clients, answered from the store, and our own (RFC 9110 section 13, RFC 9111 section 4.3). Pure. */
import { httpDate } from "./dates.ts";
import type { FieldLine, Fields } from "./fields.ts";

/** Preconditions, and what depends on them: a cache asks with its own. */
export const CONDITIONAL: ReadonlySet<string> = new Set([
  "if-none-match",
  "if-modified-since",
  "if-match",
  "if-unmodified-since",
  "if-range",
  "range",
]);

/** W/"a" and "a" are the same for this comparison (RFC 9110 section 8.8.3.2). */
const opaque = (tag: string): string => tag.replace(/^W\//, "");

/** Whether the client has what is stored already: 304 (RFC 9110 section 13.2.2). */
export function isNotModified(request: Fields, stored: Fields, nowMs: number): boolean {
  const noneMatch = request.combined("if-none-match");
  if (noneMatch !== undefined) {
    const etag = stored.first("etag");
    return (
      noneMatch.trim() === "*" ||
      (etag !== undefined && tagsIn(noneMatch).some((tag) => opaque(tag) === opaque(etag)))
    );
  }
  const sinceMs = httpDate(request.first("if-modified-since"), nowMs);
  if (sinceMs === undefined) return false;
  const lastModified = stored.first("last-modified");
  const modifiedMs = httpDate(lastModified ?? stored.first("date"), nowMs);
  return modifiedMs !== undefined && modifiedMs <= sinceMs;
}

/** Entity tags of a list, also those without quotes, which some send. */
function tagsIn(list: string): string[] {
  return list.match(/(?:W\/)?"[^"]*"|[^\s,"]+/g) ?? [];
}

/** Fields that ask whether a stored response is still the one (RFC 9111 section 4.3.1); none when it has no validator. */
export function validators(stored: Fields): FieldLine[] {
  const lines: FieldLine[] = [];
  const etag = stored.first("etag");
  if (etag !== undefined) lines.push(["if-none-match", etag]);
  const modified = stored.first("last-modified");
  if (modified !== undefined) lines.push(["if-modified-since", modified]);
  return lines;
}

/** Whether a 304 is about this stored response (RFC 9111 section 4.3.4). */
export function isAbout(notModified: Fields, stored: Fields): boolean {
  const etag = notModified.first("etag");
  const storedEtag = stored.first("etag");
  return etag === undefined || storedEtag === undefined || opaque(etag) === opaque(storedEtag);
}

/**
 * What a HEAD says of the content that is stored (RFC 9111 section 4.3.5): nothing, where it has no validator and the length is the same.
 * @param bytes that are stored.
 */
export function headSays(
  head: Fields,
  stored: Fields,
  bytes: number,
): "same" | "other" | "nothing" {
  const length = head.first("content-length");
  if (length !== undefined && Number(length) !== bytes) return "other";
  const etag = head.first("etag");
  if (etag !== undefined) {
    const storedEtag = stored.first("etag");
    if (storedEtag === undefined || opaque(storedEtag) !== opaque(etag)) return "other";
  }
  const modified = head.first("last-modified");
  if (modified !== undefined && modified !== stored.first("last-modified")) return "other";
  return etag === undefined && modified === undefined ? "nothing" : "same";
}

/** Whether two responses are of the same content for sure: the same strong entity tag (RFC 9110 section 8.8.1). */
export function hasSameStrongTag(left: Fields, right: Fields): boolean {
  const etag = left.first("etag");
  return etag !== undefined && etag.startsWith('"') && etag === right.first("etag");
}

/** If-Range: whether the range may be sent of what is stored (RFC 9110 section 13.1.5). */
export function allowsRange(request: Fields, stored: Fields): boolean {
  const condition = request.first("if-range");
  if (condition === undefined) return true;
  if (/^(?:W\/)?"/.test(condition))
    return condition.startsWith('"') && condition === stored.first("etag");
  return condition === stored.first("last-modified");
}

/** What a 304 says of the stored response (RFC 9110 section 15.4.5). */
const IN_NOT_MODIFIED: ReadonlySet<string> = new Set([
  "content-length",
  "content-type",
  "content-encoding",
  "content-range",
  "transfer-encoding",
]);

export const notModifiedFields = (stored: Fields): Fields => stored.without(IN_NOT_MODIFIED);
