/** What goes to a client: from the store, with its conditions and ranges, or on its way from the origin. */
import type { Clock } from "@glassline/service/clock";

import type { Outcome } from "./core/cache-status.ts";
import { allowsRange, isNotModified, notModifiedFields } from "./core/http/conditional.ts";
import type { FieldLine } from "./core/http/fields.ts";
import { Fields } from "./core/http/fields.ts";
import type { ByteRange, ContentRange, RangeSpec } from "./core/http/ranges.ts";
import { formatContentRange, rangeSpec, resolveRange } from "./core/http/ranges.ts";
import type { CacheRequest } from "./request.ts";
import type { SharedBody } from "./shared-body.ts";
import type { StoredResponse } from "./stores/store.ts";

export interface Answer {
  status: number;
  /** End to end, without Age where the age is told. */
  fields: Fields;
  /** Of what was stored, milliseconds; undefined: it comes from the origin as it is. */
  ageMs: number | undefined;
  body: Buffer | SharedBody;
  /** Of a body that comes, the first byte that is sent; undefined: 0. */
  fromByte?: number;
  outcome: Outcome;
  /** When its head came from the origin, monotonic milliseconds; undefined: it was in the store. */
  atMs?: number;
  /** When the body has been sent. */
  trailers?: () => readonly FieldLine[];
}

const NOTHING = Buffer.alloc(0);
/** Computed anew for a part of a body. */
const OF_LENGTH: ReadonlySet<string> = new Set(["content-length", "content-range"]);

/** Which bytes of the whole a stored response has. */
function partOf({ part, body }: StoredResponse): ContentRange {
  return part ?? { first: 0, last: body.length - 1, total: body.length };
}

/** It asks for bytes behind the end of what is stored. */
export function isOutgrown(stored: StoredResponse, request: CacheRequest): boolean {
  const spec = askedRange(request);
  if (!spec || "suffix" in spec) return false;
  return (spec.last ?? spec.first) >= (stored.part?.total ?? partOf(stored).last + 1);
}

/** The range that is asked for, if there is one that this cache answers. */
export function askedRange({ method, fields, address }: CacheRequest): RangeSpec | undefined {
  // Playlists may be written anew: their bytes are not those of the origin.
  if (method !== "GET" || address.kind === "playlist") return undefined;
  return rangeSpec(fields.first("range"));
}

/** Whether a stored response has all the bytes that are asked for. */
export function covers(stored: StoredResponse, request: CacheRequest): boolean {
  if (!stored.part) return true;
  const spec = askedRange(request);
  if (!spec || !allowsRange(request.fields, stored.fields)) return false;
  const range = rangeIn(stored.part, spec);
  return range !== undefined && stored.part.first <= range.first && range.last <= stored.part.last;
}

/** Undefined when it is not known where it lies, or there is no such range: the origin has to say so. */
export function rangeIn({ total, last }: ContentRange, spec: RangeSpec): ByteRange | undefined {
  if (total === undefined && ("suffix" in spec || spec.last === undefined)) return undefined;
  const range = resolveRange(spec, total ?? last + 1);
  return range === "unsatisfiable" ? undefined : range;
}

/** @param stored covers the request. */
export function answerFrom(
  stored: StoredResponse,
  request: CacheRequest,
  clock: Pick<Clock, "nowMs">,
  about: Pick<Answer, "ageMs" | "outcome">,
): Answer {
  const { status, fields, body } = stored;
  if (!request.isConditional) return { ...about, status, fields, body };
  const isFound = status === 200 || stored.part !== undefined;
  if (isFound && isNotModified(request.fields, fields, clock.nowMs()))
    return { ...about, status: 304, fields: notModifiedFields(fields), body: NOTHING };
  const spec = askedRange(request);
  if (!isFound || !spec || !allowsRange(request.fields, fields))
    return { ...about, status, fields, body };
  return ranged(stored, spec, about);
}

function ranged(
  stored: StoredResponse,
  spec: RangeSpec,
  about: Pick<Answer, "ageMs" | "outcome">,
): Answer {
  const part = partOf(stored);
  const range = stored.part ? rangeIn(part, spec)! : resolveRange(spec, stored.body.length);
  const fields = stored.fields.without(OF_LENGTH);
  if (range === "unsatisfiable")
    return {
      ...about,
      status: 416,
      fields: fields.with(
        ["content-range", `bytes */${stored.body.length}`],
        ["content-length", "0"],
      ),
      body: NOTHING,
    };
  const body = stored.body.subarray(range.first - part.first, range.last + 1 - part.first);
  const lines: FieldLine[] = [
    ["content-range", formatContentRange(range, part.total)],
    ["content-length", String(body.length)],
  ];
  return { ...about, status: 206, fields: fields.with(...lines), body };
}

/** An answer of this cache itself. */
export function ownAnswer(status: number, text: string, ...more: readonly FieldLine[]): Answer {
  const body = Buffer.from(text);
  const lines: FieldLine[] = [
    ["content-type", "application/json"],
    ["content-length", String(body.length)],
    ["cache-control", "no-store"],
    ...more,
  ];
  return { status, fields: new Fields(lines), ageMs: undefined, body, outcome: { kind: "none" } };
}
