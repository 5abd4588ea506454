/** A file as a live stream without an end: which segments exist at a moment, and how they are numbered. Pure. */
import { passAt, passStartMs } from "@glassline/mp4/loop";

/** A part of a segment, for players of low latency. */
export interface LoopPart {
  /** From the beginning of the file. */
  startMs: number;
  durationMs: number;
  /** It begins with a keyframe. */
  independent: boolean;
}

/** One segment of one pass. */
export interface LoopSegment {
  /** From the beginning of the file. */
  startMs: number;
  durationMs: number;
  /** They fill the segment; none: the stream is not one of low latency. */
  parts: readonly LoopPart[];
}

export interface LoopTimeline {
  segments: readonly LoopSegment[];
  lengthMs: number;
}

const DAY_MS = 86_400_000;

/**
 * The pass from which discontinuities are counted: some players walk a list of that length at every reload, so it must
 * not begin in 1970. It is the same for a quarter of a year, so that a restart and a second origin agree.
 */
export function firstCountedPass({ lengthMs }: LoopTimeline, startedMs: number): number {
  const yesterday = new Date(startedMs - DAY_MS);
  const quarter = Math.floor(yesterday.getUTCMonth() / 3);
  return passAt(lengthMs, Date.UTC(yesterday.getUTCFullYear(), 3 * quarter, 1));
}

/** The pass that a segment belongs to. Each pass is a discontinuity: its timestamps begin anew. */
export function passOf({ segments }: LoopTimeline, sequence: number): number {
  return Math.floor(sequence / segments.length);
}

/** Which segment of the file a number stands for. */
export function indexOf({ segments }: LoopTimeline, sequence: number): number {
  return sequence % segments.length;
}

export function segmentAt(timeline: LoopTimeline, sequence: number): LoopSegment {
  return timeline.segments[indexOf(timeline, sequence)]!;
}

/** When a segment's first frame is captured, Unix milliseconds. */
export function segmentStartMs(timeline: LoopTimeline, sequence: number): number {
  const { startMs } = segmentAt(timeline, sequence);
  return passStartMs(timeline.lengthMs, passOf(timeline, sequence)) + startMs;
}

/** When a segment's last frame has been captured, and it exists; Unix milliseconds. */
export function segmentEndMs(timeline: LoopTimeline, sequence: number): number {
  const { startMs, durationMs } = segmentAt(timeline, sequence);
  return passStartMs(timeline.lengthMs, passOf(timeline, sequence)) + startMs + durationMs;
}

/** When a part's last frame has been captured, and it exists; Unix milliseconds. */
export function partEndMs(timeline: LoopTimeline, sequence: number, part: number): number {
  const { startMs, durationMs } = segmentAt(timeline, sequence).parts[part]!;
  return passStartMs(timeline.lengthMs, passOf(timeline, sequence)) + startMs + durationMs;
}

/** The longest segment, rounded to whole seconds as EXT-X-TARGETDURATION wants it (section 4.4.3.1). */
export function targetDurationMs({ segments }: LoopTimeline): number {
  const longestMs = Math.max(...segments.map(({ durationMs }) => durationMs));
  return Math.max(1, Math.round(longestMs / 1_000)) * 1_000;
}

/** The longest part, rounded up to whole milliseconds: no part is above it (section 4.4.4.9). 0: there are no parts. */
export function partTargetMs({ segments }: LoopTimeline): number {
  const lengths = segments.flatMap(({ parts }) => parts.map(({ durationMs }) => durationMs));
  // Less than a thousandth of a millisecond is an error of the division by the timescale.
  return lengths.length === 0 ? 0 : Math.ceil(Math.max(...lengths) - 0.001);
}
