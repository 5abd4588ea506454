/** A file as a live stream without an end: which segments exist at a moment, and how they are numbered. Pure. */
import type { Segment } from "@glassline/hls/playlist";
import { passAt, passStartMs } from "@glassline/mp4/loop";

/** One segment of one pass. */
export interface LoopPart {
  startMs: number;
  durationMs: number;
}

export interface LoopTimeline {
  parts: readonly LoopPart[];
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

/**
 * The number of the newest segment whose last frame has been captured. Numbers count from 1970 on, so that they go on
 * over restarts, and two origins with one file agree.
 */
export function newestSequence({ parts, lengthMs }: LoopTimeline, nowMs: number): number {
  const pass = passAt(lengthMs, nowMs);
  const atMs = nowMs - passStartMs(lengthMs, pass);
  const complete = parts.findLastIndex(({ startMs, durationMs }) => startMs + durationMs <= atMs);
  return pass * parts.length + complete;
}

/** Which part of the file a number stands for. */
export function partOf({ parts }: LoopTimeline, sequence: number): number {
  return sequence % parts.length;
}

/** When a segment's first frame is captured, Unix milliseconds. */
export function segmentStartMs({ parts, lengthMs }: LoopTimeline, sequence: number): number {
  const pass = Math.floor(sequence / parts.length);
  return passStartMs(lengthMs, pass) + parts[sequence % parts.length]!.startMs;
}

/**
 * The playlist's window: at most `count` segments, the newest last. Each pass is a discontinuity: its timestamps begin anew.
 * @param countedFrom see firstCountedPass.
 */
export function windowAt(
  timeline: LoopTimeline,
  nowMs: number,
  count: number,
  countedFrom = 0,
): Omit<Segment, "uri" | "mapUri">[] {
  const newest = newestSequence(timeline, nowMs);
  return Array.from({ length: count }, (_, at) => newest - count + 1 + at)
    .filter((sequence) => sequence >= 0)
    .map((sequence) => ({
      sequence,
      discontinuitySequence: Math.floor(sequence / timeline.parts.length) - countedFrom,
      durationMs: timeline.parts[partOf(timeline, sequence)]!.durationMs,
      programTimeMs: segmentStartMs(timeline, sequence),
    }));
}

/** The longest segment, rounded up to whole seconds as EXT-X-TARGETDURATION wants it. */
export function targetDurationMs({ parts }: LoopTimeline): number {
  const longestMs = Math.max(...parts.map(({ durationMs }) => durationMs));
  return Math.max(1, Math.round(longestMs / 1_000)) * 1_000;
}
