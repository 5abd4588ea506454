/** What a stored part lacks of what is asked for (RFC 9111 section 3.3). Pure. */
import type { ByteRange } from "./ranges.ts";

/** One range; undefined when the part has nothing of what is wanted, all of it, or only its middle. */
export function missingOf(part: ByteRange, wanted: ByteRange): ByteRange | undefined {
  const hasFirst = part.first <= wanted.first && wanted.first <= part.last;
  const hasLast = part.first <= wanted.last && wanted.last <= part.last;
  if (hasFirst === hasLast) return undefined;
  return hasFirst
    ? { first: part.last + 1, last: wanted.last }
    : { first: wanted.first, last: part.first - 1 };
}
