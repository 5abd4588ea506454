/** The end of a live stream: what of it exists at a moment. Pure. */
import { passAt, passStartMs } from "@glassline/mp4/loop";

import type { LoopTimeline } from "./loop-timeline.ts";
import { segmentAt } from "./loop-timeline.ts";

export interface LiveEnd {
  /**
   * The number of the newest segment whose last frame has been captured. Numbers count from 1970 on, so that they go on
   * over restarts, and two origins with one file agree.
   */
  newest: number;
  /** Parts of the segment behind it whose last frame has been captured. */
  openParts: number;
}

/** A segment, or one of its parts. */
export interface Place {
  sequence: number;
  /** Undefined: the whole segment. */
  part: number | undefined;
}

export function liveEnd(timeline: LoopTimeline, nowMs: number): LiveEnd {
  const { segments, lengthMs } = timeline;
  const pass = passAt(lengthMs, nowMs);
  const atMs = nowMs - passStartMs(lengthMs, pass);
  const isCaptured = (one: { startMs: number; durationMs: number }) =>
    one.startMs + one.durationMs <= atMs;
  const newest = pass * segments.length + segments.findLastIndex(isCaptured);
  const { parts } = segmentAt(timeline, newest + 1);
  // With its last part a segment is whole.
  const openParts = Math.min(parts.findLastIndex(isCaptured) + 1, Math.max(0, parts.length - 1));
  return { newest, openParts: passOfNext(timeline, newest) === pass ? openParts : 0 };
}

/** Whether a stream of this end has a segment or part, or had it once. */
export function exists({ newest, openParts }: LiveEnd, { sequence, part }: Place): boolean {
  return sequence <= newest || (sequence === newest + 1 && part !== undefined && part < openParts);
}

/** The part that comes next (EXT-X-PRELOAD-HINT, section 4.4.5.3). */
export function nextPart({ newest, openParts }: LiveEnd): { sequence: number; part: number } {
  return { sequence: newest + 1, part: openParts };
}

/** The last part that exists, for EXT-X-RENDITION-REPORT (section 4.4.5.4). */
export function lastPart(
  timeline: LoopTimeline,
  { newest, openParts }: LiveEnd,
): { sequence: number; part: number } {
  return openParts > 0
    ? { sequence: newest + 1, part: openParts - 1 }
    : { sequence: newest, part: segmentAt(timeline, newest).parts.length - 1 };
}

function passOfNext({ segments }: LoopTimeline, newest: number): number {
  return Math.floor((newest + 1) / segments.length);
}
