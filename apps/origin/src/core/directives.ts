/** Delivery directives: what a player asks of a media playlist beside its content. Pure. Source: RFC 8216bis section 6.2.5. */
import type { LiveEnd, Place } from "./live-end.ts";
import { exists } from "./live-end.ts";
import type { LoopTimeline } from "./loop-timeline.ts";
import { partTargetMs, segmentAt } from "./loop-timeline.ts";

/** A player may ask for so many segments ahead (section 6.2.5.2). */
const SEGMENTS_AHEAD_MAX = 2;
/** Advance part limit: so many parts, or so many seconds of shorter ones (section 6.2.5.2). */
const PARTS_AHEAD_MAX = 3;

export interface Directives {
  /** The answer must have this (_HLS_msn, _HLS_part); undefined: it is given at once. */
  wanted: Place | undefined;
  /** A delta update will do (_HLS_skip). */
  skip: boolean;
}

/** A request that the standard wants refused: 400. Says what was got and what was expected. */
export class DirectiveError extends Error {
  override readonly name = "DirectiveError";
}

/** Directives that the standard does not know are left alone (section 6.2.5). Throws DirectiveError. */
export function readDirectives(query: URLSearchParams): Directives {
  const sequence = readInteger(query, "_HLS_msn");
  const part = readInteger(query, "_HLS_part");
  if (part !== undefined && sequence === undefined)
    throw new DirectiveError(`_HLS_part: got ${part} without _HLS_msn, expected both`);
  const skip = readOnce(query, "_HLS_skip");
  // v2 also leaves out date ranges (section 6.2.5.1), of which there are none.
  if (skip !== undefined && skip !== "YES" && skip !== "v2")
    throw new DirectiveError(`_HLS_skip: got ${JSON.stringify(skip)}, expected YES or v2`);
  return {
    wanted: sequence === undefined ? undefined : { sequence, part },
    skip: skip !== undefined,
  };
}

/**
 * What a playlist that ends here must wait for before it may be given.
 * @returns undefined: nothing; it has what is wanted, or had it once (section 6.2.5.2).
 * Throws DirectiveError for what is too far ahead.
 */
export function missing(timeline: LoopTimeline, end: LiveEnd, wanted: Place): Place | undefined {
  const { newest } = end;
  if (wanted.sequence > newest + SEGMENTS_AHEAD_MAX)
    throw new DirectiveError(
      `_HLS_msn: got ${wanted.sequence}, expected at most ${newest + SEGMENTS_AHEAD_MAX}: the last segment is ${newest}`,
    );
  checkAdvance(timeline, end, wanted);
  const place = withinSegment(timeline, wanted);
  return exists(end, place) ? undefined : place;
}

/** A part behind the last one of its segment is the first of the next segment (section 6.2.5.2). */
export function withinSegment(timeline: LoopTimeline, { sequence, part }: Place): Place {
  const isBehind = part !== undefined && part >= segmentAt(timeline, sequence).parts.length;
  return isBehind ? { sequence: sequence + 1, part: 0 } : { sequence, part };
}

function checkAdvance(timeline: LoopTimeline, end: LiveEnd, { sequence, part }: Place): void {
  if (part === undefined || sequence <= end.newest) return;
  const before = sequence - end.newest - 1;
  const between = before > 0 ? segmentAt(timeline, end.newest + 1).parts.length : 0;
  const ahead = between - end.openParts + part + 1;
  const limit = advancePartLimit(partTargetMs(timeline));
  if (ahead > limit)
    throw new DirectiveError(
      `_HLS_part: got part ${part} of segment ${sequence}, which is ${ahead} parts ahead, expected at most ${limit}`,
    );
}

/** Section 6.2.5.2: three, or three seconds of parts that are shorter than a second. */
export function advancePartLimit(partMs: number): number {
  return partMs < 1_000 ? Math.ceil((PARTS_AHEAD_MAX * 1_000) / partMs) : PARTS_AHEAD_MAX;
}

function readInteger(query: URLSearchParams, name: string): number | undefined {
  const text = readOnce(query, name);
  if (text === undefined) return undefined;
  const value = /^\d{1,20}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(value)) return value;
  throw new DirectiveError(
    `${name}: got ${JSON.stringify(text)}, expected a decimal integer from 0 to ${Number.MAX_SAFE_INTEGER}`,
  );
}

function readOnce(query: URLSearchParams, name: string): string | undefined {
  const [first, ...more] = query.getAll(name);
  if (more.length === 0) return first;
  throw new DirectiveError(`${name}: got it ${more.length + 1} times, expected it once`);
}
