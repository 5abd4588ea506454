/** Ranges of an object that is under way as a whole, such as a segment that grows by its parts (RFC 8216bis section 6.2.6). */
import type { Answer } from "./answer.ts";
import { allowsRange } from "./core/http/conditional.ts";
import type { Fields } from "./core/http/fields.ts";
import { LARGE_BYTES } from "./core/in-flight.ts";
import type { RangeSpec } from "./core/http/ranges.ts";
import { formatContentRange } from "./core/http/ranges.ts";
import type { FromOrigin } from "./exchanged.ts";

/** What is further ahead of the bytes that have come is asked for by itself. */
const AHEAD_BYTES = LARGE_BYTES;
/** As last byte: whatever will come (RFC 8673 section 2.2). */
const OPEN_END = Number.MAX_SAFE_INTEGER;
const OF_LENGTH: ReadonlySet<string> = new Set(["content-length", "content-range"]);

type Part = Pick<Answer, "status" | "fields" | "body"> & Partial<Pick<Answer, "fromByte">>;

/**
 * Waits for the bytes of a closed range; an open one is sent while they come. Undefined: the origin has to answer. Rejects with the error
 * that the body failed with.
 * @param fields of the whole.
 * @param request fields of who asks for the range.
 */
export async function rangeOfWhole(
  { status, body }: Pick<FromOrigin, "status" | "body">,
  fields: Fields,
  request: Fields,
  spec: RangeSpec,
): Promise<Part | undefined> {
  if (status !== 200 || !body.isKept || "suffix" in spec || !allowsRange(request, fields))
    return undefined;
  const { first, last } = spec;
  if (first > body.length + AHEAD_BYTES) return undefined;
  const announced = fields.first("content-length");
  const total = announced === undefined ? undefined : Number(announced);
  const about = fields.without(OF_LENGTH);
  if (total === undefined ? last === OPEN_END : isToEnd(spec, total)) {
    const range = formatContentRange(
      { first, last: total === undefined ? OPEN_END : total - 1 },
      total,
    );
    const own = about.with(["content-range", range]);
    const length = total === undefined ? undefined : String(total - first);
    const all = length === undefined ? own : own.with(["content-length", length]);
    return { status: 206, fields: all, body, fromByte: first };
  }
  if (last === undefined || last >= body.length + AHEAD_BYTES) return undefined;
  const bytes = await body.between(first, last + 1);
  if (!bytes || bytes.length === 0) return undefined;
  const known = total ?? (body.isOpen ? undefined : body.length);
  const range = formatContentRange({ first, last: first + bytes.length - 1 }, known);
  return { status: 206, fields: about.with(["content-range", range]), body: bytes };
}

const isToEnd = ({ first, last }: { first: number; last: number | undefined }, total: number) =>
  first < total && (last === undefined || last >= total - 1);
