/** What is missing of a camera: gaps that were told (camera.gap.*), and holes in what came that nobody told. Pure. */
import type { Points } from "./points.ts";

export interface Gap {
  cameraId: string;
  /** Times of the first and of the last sample that is missing; of a hole, of its edges. */
  fromUnixNano: bigint;
  toUnixNano: bigint;
  /** "camera", "mesh" or "collector"; empty when nobody told. */
  cause: string;
  reason: string;
  /** 0 when nobody told. */
  reports: number;
}

/** One series of camera.gap.duration or camera.gap.reports. */
export interface GapSeries {
  attributes: Readonly<Record<string, string>>;
  points: Points;
}

/** The times of a series. */
export type Times = Pick<Points, "times" | "length" | "timeUnixNano">;

/** From (inclusive) to (exclusive), Unix nanoseconds. */
export interface Window {
  from: bigint;
  to: bigint;
}

export type Span = Window;
type Extent = Pick<Gap, "fromUnixNano" | "toUnixNano">;

/** In an answer; at least one more is looked for, to tell that there are more. */
export const GAPS_MAX = 10_000;
/** A camera that reports at its pace leaves no hole longer than this, in intervals. */
const HOLE_INTERVALS = 3;
const HOLE_LEAST_NANO = 2_000_000_000;
/** Fewer points do not tell a pace. */
export const PACE_POINTS = 8;
/** Of more intervals, so many tell the pace. */
const PACE_INTERVALS_MAX = 10_000;
/** The reason of a hole that has ended. */
export const NOTHING_CAME = "nothing came";
const DURATION_MAX_S = 1e9;
const WORD = 4_294_967_296;

export function toldGaps(
  cameraId: string,
  durations: readonly GapSeries[],
  reports: readonly GapSeries[],
): Gap[] {
  const reportsAt = new Map<string, number>();
  for (const { attributes, points } of reports)
    for (let at = 0; at < points.length; at++)
      reportsAt.set(keyOf(attributes, points.timeUnixNano(at)), points.values[at]!);
  const gaps: Gap[] = [];
  for (const { attributes, points } of durations) {
    for (let at = 0; at < points.length; at++) {
      const [fromUnixNano, seconds] = [points.timeUnixNano(at), points.values[at]!];
      if (!isDuration(seconds)) continue;
      gaps.push({
        cameraId,
        fromUnixNano,
        toUnixNano: fromUnixNano + BigInt(Math.round(seconds * 1e9)),
        cause: attributes["cause"] ?? "",
        reason: attributes["reason"] ?? "",
        reports: reportsAt.get(keyOf(attributes, fromUnixNano)) ?? 0,
      });
    }
  }
  return gaps;
}

/** Those of which a part lies in the window. */
export function gapsIn(gaps: readonly Gap[], { from, to }: Window): Gap[] {
  return gaps.filter((gap) => gap.fromUnixNano < to && gap.toUnixNano >= from);
}

/**
 * Holes in the times of a series that came at a pace, without what is told of them. Those that reach into the window are
 * shown from their begin on; one that reaches out of it, up to the window's end, or up to now.
 * @param times ascending, before the window's end; some before its begin tell what the window began with.
 */
export function holesIn(
  cameraId: string,
  times: Times,
  told: readonly Gap[],
  window: Window & { now: bigint },
): Gap[] {
  if (times.length < PACE_POINTS) return [];
  const limitNano = holeLeastNano(times);
  const endUnixNano = window.to < window.now ? window.to : window.now;
  const isSilent = endUnixNano === window.now;
  const covered = unionOf(told);
  const holes: Gap[] = [];
  let covering = 0;
  for (let at = 0; at < times.length && holes.length <= GAPS_MAX; at++) {
    const isLast = at === times.length - 1;
    if (!isLast && nanoBetween(times, at, at + 1) <= limitNano) continue;
    const whole = {
      from: times.timeUnixNano(at),
      to: isLast ? endUnixNano : times.timeUnixNano(at + 1),
    };
    while (covering < covered.length && covered[covering]!.to <= whole.from) covering++;
    for (const { from, to } of without(whole, covered, covering)) {
      if (Number(to - from) <= limitNano || to <= window.from) continue;
      const reason = isSilent && to === endUnixNano ? "nothing has come since" : NOTHING_CAME;
      const span = { cameraId, fromUnixNano: from, toUnixNano: to };
      holes.push({ ...span, cause: "", reason, reports: 0 });
    }
  }
  return holes;
}

/** What is told as spans that do not touch, in order. */
export function unionOf(gaps: readonly Extent[]): Span[] {
  const union: Span[] = [];
  for (const { fromUnixNano: from, toUnixNano: to } of gaps.toSorted(byBegin)) {
    const last = union.at(-1);
    if (!last || from > last.to) union.push({ from, to });
    else if (to > last.to) last.to = to;
  }
  return union;
}

/** The parts of a span that none of the others covers, which are in order. @param first of those that end behind its begin. */
export function without({ from, to }: Span, others: readonly Span[], first: number): Span[] {
  const parts: Span[] = [];
  let begin = from;
  for (let at = first; at < others.length && others[at]!.from < to; at++) {
    const other = others[at]!;
    if (other.from > begin) parts.push({ from: begin, to: other.from });
    if (other.to > begin) begin = other.to;
  }
  if (begin < to) parts.push({ from: begin, to });
  return parts;
}

export function byBegin(a: Extent, b: Extent): number {
  if (a.fromUnixNano === b.fromUnixNano) return 0;
  return a.fromUnixNano < b.fromUnixNano ? -1 : 1;
}

/** In nanoseconds. */
/** A hole is longer than this: it depends on the pace. */
export function holeLeastNano(times: Times): number {
  const step = Math.ceil((times.length - 1) / PACE_INTERVALS_MAX);
  const intervals = new Float64Array(Math.floor((times.length - 1) / step));
  for (let at = 0; at < intervals.length; at++)
    intervals[at] = nanoBetween(times, at * step, at * step + 1);
  const median = intervals.sort()[Math.floor(intervals.length / 2)]!;
  return Math.max(HOLE_LEAST_NANO, Math.round(median * HOLE_INTERVALS));
}

function nanoBetween({ times }: Times, from: number, to: number): number {
  const high = times[2 * to + 1]! - times[2 * from + 1]!;
  return high * WORD + times[2 * to]! - times[2 * from]!;
}

/** Others may send what they like under the name. */
function isDuration(seconds: number): boolean {
  return seconds >= 0 && seconds <= DURATION_MAX_S;
}

function keyOf({ cause, reason }: Readonly<Record<string, string>>, time: bigint): string {
  return `${cause} ${reason} ${time}`;
}
