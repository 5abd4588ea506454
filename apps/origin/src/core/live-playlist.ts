/** The media playlist of a looped file at a moment. Pure. Source: draft-pantos-hls-rfc8216bis. */
import type { OpenSegment, Part, RenditionReport, ServerControl } from "@glassline/hls/low-latency";
import type { MediaPlaylist, Segment } from "@glassline/hls/playlist";

import type { LiveEnd } from "./live-end.ts";
import { lastPart, nextPart } from "./live-end.ts";
import type { LoopTimeline } from "./loop-timeline.ts";
import {
  partTargetMs,
  passOf,
  segmentAt,
  segmentStartMs,
  targetDurationMs,
} from "./loop-timeline.ts";

/** The skip boundary is at least six target durations (section 4.4.3.8). */
const SKIP_BOUNDARY_TARGETS = 6;
/** At least three (section 4.4.3.8). */
const HOLD_BACK_TARGETS = 3;
/** At least two, and three for what may be late (section 4.4.3.8). */
const PART_HOLD_BACK_TARGETS = 3;
/** Parts are named until they are so far from the end (section 6.2.2). */
const PARTS_NAMED_TARGETS = 3;
/** Segments in a playlist. */
const WINDOW_MIN_SEGMENTS = 8;
/** With delta updates: twice the skip boundary, so that there is something to skip. */
const WINDOW_TARGETS = 2 * SKIP_BOUNDARY_TARGETS;

export interface Names {
  /** Of the initialization section. */
  init: string;
  segment: (sequence: number) => string;
  part: (sequence: number, part: number) => string;
}

export interface PlaylistOptions {
  names: Names;
  /** See firstCountedPass. */
  countedFrom: number;
  /** Media playlists of the other renditions. */
  others: readonly string[];
}

/** How many segments a playlist has: as many as last for the window on average. */
export function windowSegments(timeline: LoopTimeline): number {
  if (partTargetMs(timeline) === 0) return WINDOW_MIN_SEGMENTS;
  const meanMs = timeline.lengthMs / timeline.segments.length;
  const windowMs = WINDOW_TARGETS * targetDurationMs(timeline);
  return Math.max(WINDOW_MIN_SEGMENTS, Math.ceil(windowMs / meanMs));
}

export function playlistAt(
  timeline: LoopTimeline,
  end: LiveEnd,
  options: PlaylistOptions,
): MediaPlaylist {
  const targetMs = targetDurationMs(timeline);
  const count = windowSegments(timeline);
  const numbers = Array.from({ length: count }, (_, at) => end.newest - count + 1 + at);
  const segments = numbers
    .filter((sequence) => sequence >= 0)
    .map((sequence) => wholeSegment(timeline, sequence, options));
  const partMs = partTargetMs(timeline);
  if (partMs === 0) return { kind: "media", targetDurationMs: targetMs, ended: false, segments };
  return {
    kind: "media",
    targetDurationMs: targetMs,
    ended: false,
    segments: withParts(timeline, end, segments, options.names),
    serverControl: serverControl(targetMs, partMs),
    lowLatency: {
      partTargetMs: partMs,
      open: openSegment(timeline, end, options),
      preloadHint: partName(options.names, nextPart(end)),
      renditionReports: reports(timeline, end, options.others),
    },
  };
}

function serverControl(targetMs: number, partMs: number): ServerControl {
  return {
    canBlockReload: true,
    canSkipUntilMs: SKIP_BOUNDARY_TARGETS * targetMs,
    holdBackMs: HOLD_BACK_TARGETS * targetMs,
    partHoldBackMs: PART_HOLD_BACK_TARGETS * partMs,
  };
}

function segmentOf(timeline: LoopTimeline, sequence: number, options: PlaylistOptions) {
  return {
    sequence,
    discontinuitySequence: passOf(timeline, sequence) - options.countedFrom,
    programTimeMs: segmentStartMs(timeline, sequence),
    mapUri: options.names.init,
  };
}

function wholeSegment(timeline: LoopTimeline, sequence: number, options: PlaylistOptions): Segment {
  return {
    ...segmentOf(timeline, sequence, options),
    uri: options.names.segment(sequence),
    durationMs: segmentAt(timeline, sequence).durationMs,
  };
}

/** EXT-X-PART of a segment is removed when it is more than three target durations from the end (section 6.2.2). */
function withParts(
  timeline: LoopTimeline,
  end: LiveEnd,
  segments: readonly Segment[],
  names: Names,
): Segment[] {
  const namedMs = PARTS_NAMED_TARGETS * targetDurationMs(timeline);
  let behindMs = partsOf(timeline, end.newest + 1, names)
    .slice(0, end.openParts)
    .reduce((sum, { durationMs }) => sum + durationMs, 0);
  const newestFirst = segments.toReversed().map((segment) => {
    const isNear = behindMs <= namedMs;
    behindMs += segment.durationMs;
    return isNear ? { ...segment, parts: partsOf(timeline, segment.sequence, names) } : segment;
  });
  return newestFirst.toReversed();
}

function openSegment(
  timeline: LoopTimeline,
  { newest, openParts }: LiveEnd,
  options: PlaylistOptions,
): OpenSegment | undefined {
  if (openParts === 0) return undefined;
  const sequence = newest + 1;
  const parts = partsOf(timeline, sequence, options.names).slice(0, openParts);
  return { ...segmentOf(timeline, sequence, options), parts };
}

function partsOf(timeline: LoopTimeline, sequence: number, names: Names): Part[] {
  return segmentAt(timeline, sequence).parts.map(({ durationMs, independent }, part) => ({
    uri: names.part(sequence, part),
    durationMs,
    independent,
  }));
}

function partName(names: Names, { sequence, part }: { sequence: number; part: number }): string {
  return names.part(sequence, part);
}

/** All renditions have one timeline: the others are as far as this one (section 4.4.5.4). */
function reports(
  timeline: LoopTimeline,
  end: LiveEnd,
  others: readonly string[],
): RenditionReport[] {
  const { sequence, part } = lastPart(timeline, end);
  return others.map((uri) => ({ uri, lastSequence: sequence, lastPart: part }));
}
