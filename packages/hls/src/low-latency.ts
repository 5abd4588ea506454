/** Low latency: parts of segments, and what a server does for players that ask for it. Pure. */
import type { ByteRange, ByteRangeManifest } from "./byte-range.ts";
import { byteRangeOf } from "./byte-range.ts";

/** A part of a segment (EXT-X-PART, section 4.4.4.9). */
export interface Part {
  /** As written: relative to the playlist or absolute. */
  uri: string;
  durationMs: number;
  /** It begins with a keyframe. */
  independent: boolean;
  /** Undefined: the whole resource. */
  byteRange?: ByteRange | undefined;
}

/** The segment at the end of a playlist that is not whole yet. */
export interface OpenSegment {
  /** Media sequence number that it will have. */
  sequence: number;
  discontinuitySequence: number;
  /** When its first frame was captured, Unix milliseconds. */
  programTimeMs: number | undefined;
  /** URI of its media initialization section. */
  mapUri: string | undefined;
  mapByteRange?: ByteRange | undefined;
  /** At least one. */
  parts: readonly Part[];
}

/** How far another rendition is (EXT-X-RENDITION-REPORT, section 4.4.5.4). */
export interface RenditionReport {
  /** Of its media playlist. */
  uri: string;
  /** Media sequence number of its last segment, also of one that is not whole yet. */
  lastSequence: number;
  /** Index of the last part of that segment; undefined: it has no parts. */
  lastPart: number | undefined;
}

/** What a server can do (EXT-X-SERVER-CONTROL, section 4.4.3.8). */
export interface ServerControl {
  canBlockReload: boolean;
  /** The skip boundary; undefined: no delta updates. */
  canSkipUntilMs: number | undefined;
  /** How far from the end a player should stay. */
  holdBackMs: number | undefined;
  /** The same for one that plays parts. */
  partHoldBackMs: number | undefined;
}

export interface LowLatency {
  /** The longest part that there will be (EXT-X-PART-INF, section 4.4.3.7). */
  partTargetMs: number;
  /** Undefined: the last segment is whole. */
  open: OpenSegment | undefined;
  /** URI of the part that comes next (EXT-X-PRELOAD-HINT, section 4.4.5.3). */
  preloadHint: string | undefined;
  /** Where the part begins in a resource that others are in too, and how long it is; undefined: nobody knows yet. */
  preloadHintRange?: { offset: number; length: number | undefined } | undefined;
  renditionReports: readonly RenditionReport[];
}

/** The tags of low latency as m3u8-parser gives them. */
export interface LowLatencyManifest {
  serverControl?: Partial<
    Record<"canSkipUntil" | "holdBack" | "partHoldBack", number> & { canBlockReload: boolean }
  >;
  partTargetDuration?: number;
  /** What stands behind the last segment. */
  preloadSegment?: {
    timeline: number;
    dateTimeObject?: Date;
    map?: { uri: string; byterange?: ByteRangeManifest };
    parts?: PartManifest[];
    preloadHints?: { type?: string; uri?: string; byterange?: ByteRangeManifest }[];
  };
  renditionReports?: { uri?: string; lastMsn?: number; lastPart?: number }[];
}

export interface PartManifest {
  uri?: string;
  duration?: number;
  independent?: boolean;
  byterange?: ByteRangeManifest;
}

/** Seconds, as they are written with a point, to milliseconds with microseconds behind it. */
export function millisecondsOf(seconds: number): number {
  return Math.round(seconds * 1_000_000) / 1_000;
}

/** Undefined: the playlist has no such tag. */
export function serverControlOf({ serverControl }: LowLatencyManifest): ServerControl | undefined {
  if (!serverControl) return undefined;
  const { canBlockReload, canSkipUntil, holdBack, partHoldBack } = serverControl;
  return {
    canBlockReload: canBlockReload === true,
    canSkipUntilMs: lengthOf(canSkipUntil),
    holdBackMs: lengthOf(holdBack),
    partHoldBackMs: lengthOf(partHoldBack),
  };
}

/**
 * @param nextSequence of the segment behind the last whole one.
 * @returns undefined: the playlist has no parts.
 */
export function lowLatencyOf(
  { partTargetDuration, preloadSegment, renditionReports = [] }: LowLatencyManifest,
  nextSequence: number,
): LowLatency | undefined {
  const partTargetMs = lengthOf(partTargetDuration);
  if (partTargetMs === undefined) return undefined;
  const hint = preloadSegment?.preloadHints?.find(({ type }) => type === "PART");
  return {
    partTargetMs,
    open: openOf(preloadSegment, nextSequence),
    preloadHint: hint?.uri,
    preloadHintRange: hint?.byterange && {
      offset: hint.byterange.offset ?? 0,
      length: hint.byterange.length,
    },
    renditionReports: renditionReports.flatMap(({ uri, lastMsn, lastPart }) =>
      uri !== undefined && lastMsn !== undefined && Number.isSafeInteger(lastMsn)
        ? [{ uri, lastSequence: lastMsn, lastPart }]
        : [],
    ),
  };
}

function openOf(
  segment: LowLatencyManifest["preloadSegment"],
  sequence: number,
): OpenSegment | undefined {
  const parts = partsOf(segment?.parts);
  if (!segment || !parts) return undefined;
  return {
    sequence,
    discontinuitySequence: segment.timeline,
    programTimeMs: segment.dateTimeObject?.getTime(),
    mapUri: segment.map?.uri,
    mapByteRange: byteRangeOf(segment.map?.byterange),
    parts,
  };
}

/** Undefined: none. */
export function partsOf(parts: readonly PartManifest[] = []): readonly Part[] | undefined {
  const known = parts.flatMap(({ uri, duration, independent, byterange }) =>
    uri === undefined || duration === undefined || !(duration >= 0)
      ? []
      : [
          {
            uri,
            durationMs: millisecondsOf(duration),
            independent: independent === true,
            byteRange: byteRangeOf(byterange),
          },
        ],
  );
  return known.length > 0 ? known : undefined;
}

function lengthOf(seconds: number | undefined): number | undefined {
  return seconds !== undefined && seconds >= 0 ? millisecondsOf(seconds) : undefined;
}
