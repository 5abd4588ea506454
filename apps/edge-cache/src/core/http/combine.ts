/** Parts of one content put together (RFC 9111 section 3.4, RFC 9110 section 15.3.7.3). Pure. */
import { hasSameStrongTag } from "./conditional.ts";
import type { Fields } from "./fields.ts";
import type { ContentRange } from "./ranges.ts";

export interface Part {
  fields: Fields;
  body: Buffer;
  range: ContentRange;
}

/** Undefined when they are not of the same content for sure, or a hole is left between them. */
export function combined(left: Part, right: Part): Omit<Part, "fields"> | undefined {
  const { total } = left.range;
  if (!hasSameStrongTag(left.fields, right.fields) || total !== right.range.total) return undefined;
  const [before, behind] = left.range.first <= right.range.first ? [left, right] : [right, left];
  const overlap = before.range.last + 1 - behind.range.first;
  if (overlap < 0) return undefined;
  const rest = behind.body.subarray(Math.min(overlap, behind.body.length));
  const last = Math.max(before.range.last, behind.range.last);
  return {
    body: Buffer.concat([before.body, rest]),
    range: { first: before.range.first, last, total },
  };
}

export const isWhole = ({ first, last, total }: ContentRange): boolean =>
  first === 0 && last + 1 === total;
