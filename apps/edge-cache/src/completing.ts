/** A stored part is completed: the origin is asked for the missing bytes only (RFC 9111 sections 3.3 and 3.4). */
import { askedRange, rangeIn } from "./answer.ts";
import { allowsRange, hasSameStrongTag } from "./core/http/conditional.ts";
import type { FieldLine, Fields } from "./core/http/fields.ts";
import { missingOf } from "./core/http/missing.ts";
import type { ByteRange } from "./core/http/ranges.ts";
import { contentRange, formatContentRange } from "./core/http/ranges.ts";
import { updatedFields } from "./core/http/storing.ts";
import type { Asked } from "./exchanged.ts";
import type { StoredResponse } from "./stores/store.ts";
import type { UpstreamResponse } from "./upstream/upstream.ts";
import { UpstreamError } from "./upstream/upstream.ts";

export interface Missing {
  /** What is asked for, and what its client wants. */
  range: ByteRange;
  wanted: ByteRange;
  total: number;
  stored: StoredResponse;
  /** The client asked for no range. */
  isWhole: boolean;
}

/** Undefined: nothing is there that would make the question smaller. */
export function missingFor({ request, stored }: Asked): Missing | undefined {
  const total = stored?.part?.total;
  if (!stored?.part || total === undefined || request.method !== "GET") return undefined;
  // Only of the same content for sure may parts be put together.
  if (!hasSameStrongTag(stored.fields, stored.fields)) return undefined;
  const isWhole = !request.fields.has("range");
  const spec = askedRange(request);
  if (!isWhole && !(spec && allowsRange(request.fields, stored.fields))) return undefined;
  const wanted = spec ? rangeIn(stored.part, spec) : { first: 0, last: total - 1 };
  const range = wanted && missingOf(stored.part, wanted);
  return range && { range, wanted, total, stored, isWhole };
}

export function fieldsOf({ range, stored }: Missing): FieldLine[] {
  return [
    ["range", `bytes=${range.first}-${range.last}`],
    ["if-range", stored.fields.first("etag")!],
  ];
}

/** The answer as if all that is wanted had been asked for; undefined when it is not the one that is missing. */
export function completed(
  missing: Missing,
  response: UpstreamResponse,
): UpstreamResponse | undefined {
  const { range, wanted, total, stored, isWhole } = missing;
  const got = contentRange(response.fields.first("content-range"));
  const isIt =
    response.status === 206 &&
    got?.first === range.first &&
    got.last === range.last &&
    got.total === total &&
    hasSameStrongTag(response.fields, stored.fields);
  if (!isIt) return undefined;
  const length = wanted.last + 1 - wanted.first;
  const own: FieldLine[] = [["content-length", String(length)]];
  if (!isWhole) own.push(["content-range", formatContentRange(wanted, total)]);
  // The origin may leave out what is known already (RFC 9110 section 15.3.7).
  const fields: Fields = updatedFields(stored.fields, response.fields).without(OF_LENGTH);
  return {
    ...response,
    status: isWhole ? 200 : 206,
    fields: fields.with(...own),
    body: joined(missing, response.body),
  };
}

const OF_LENGTH: ReadonlySet<string> = new Set(["content-length", "content-range"]);

async function* joined(
  { range, wanted, stored }: Missing,
  rest: AsyncIterable<Buffer>,
): AsyncGenerator<Buffer> {
  const { first } = stored.part!;
  if (wanted.first < range.first)
    yield stored.body.subarray(wanted.first - first, range.first - first);
  let bytes = 0;
  for await (const chunk of rest) {
    bytes += chunk.length;
    yield chunk;
  }
  const expected = range.last + 1 - range.first;
  if (bytes !== expected)
    throw new UpstreamError("broken", `part: got ${bytes} bytes, expected ${expected}`);
  if (range.last < wanted.last)
    yield stored.body.subarray(range.last + 1 - first, wanted.last + 1 - first);
}
