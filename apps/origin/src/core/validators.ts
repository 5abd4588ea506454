/** Whether a client has an answer already. Pure. Source: RFC 9110 sections 8.8.3 and 13.1.2. */

/** @param ifNoneMatch of the request: "*" or entity tags. They are compared weakly. */
export function isKnown(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  if (ifNoneMatch.trim() === "*") return true;
  const tags = ifNoneMatch.match(/(?:W\/)?"[^"]*"/g) ?? [];
  return tags.some((tag) => tag.replace(/^W\//, "") === etag);
}
