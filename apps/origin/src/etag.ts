/** Entity tags: a strong one for each content (RFC 9110 section 8.8.3). */
import { createHash } from "node:crypto";

const DIGEST_CHARS = 22;
/** Segments are asked for again and again. */
const known = new WeakMap<Buffer, string>();

/** The content must not change any more. */
export function etagOf(content: Buffer): string {
  const before = known.get(content);
  if (before !== undefined) return before;
  const digest = createHash("sha256").update(content).digest("base64url");
  const etag = `"${digest.slice(0, DIGEST_CHARS)}"`;
  known.set(content, etag);
  return etag;
}
