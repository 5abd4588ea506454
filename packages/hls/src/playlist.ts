/** HLS playlists as values. Source: https://datatracker.ietf.org/doc/html/draft-pantos-hls-rfc8216bis */
import { Parser } from "m3u8-parser";

import type { ByteRange, ByteRangeManifest } from "./byte-range.ts";
import { byteRangeOf } from "./byte-range.ts";
import type {
  LowLatency,
  LowLatencyManifest,
  Part,
  PartManifest,
  ServerControl,
} from "./low-latency.ts";
import { lowLatencyOf, millisecondsOf, partsOf, serverControlOf } from "./low-latency.ts";

/** A text that is not a playlist: says what was got and what was expected. */
export class PlaylistError extends Error {
  override readonly name = "PlaylistError";
}

export interface Segment {
  /** As written: relative to the playlist or absolute. */
  uri: string;
  durationMs: number;
  /** Media sequence number. */
  sequence: number;
  /** Segments on both sides of a discontinuity have different numbers (section 4.4.3.3). */
  discontinuitySequence: number;
  /** When its first frame was captured, Unix milliseconds; carried on from the tag before (section 4.4.4.6). */
  programTimeMs: number | undefined;
  /** URI of its media initialization section. */
  mapUri: string | undefined;
  /** Undefined: the whole resources. */
  byteRange?: ByteRange | undefined;
  mapByteRange?: ByteRange | undefined;
  /** Together they are the segment; named near the end of a playlist of low latency only (section 6.2.2). */
  parts?: readonly Part[] | undefined;
}

export interface MediaPlaylist {
  kind: "media";
  targetDurationMs: number;
  /** The whole ones. */
  segments: readonly Segment[];
  /** Nothing will be added any more. */
  ended: boolean;
  serverControl?: ServerControl | undefined;
  /** Undefined: it has no parts. */
  lowLatency?: LowLatency | undefined;
  /** A delta update leaves out so many segments before the first one (EXT-X-SKIP, section 4.4.5.2). */
  skippedSegments?: number | undefined;
}

export interface Variant {
  uri: string;
  /** Bits a second. */
  bandwidth: number;
  codecs: string | undefined;
  /** "." when there is none (section 4.4.6.2). */
  pathwayId: string;
}

export interface MultivariantPlaylist {
  kind: "multivariant";
  variants: readonly Variant[];
  steering: { serverUri: string; pathwayId: string } | undefined;
}

export type Playlist = MediaPlaylist | MultivariantPlaylist;

export const DEFAULT_PATHWAY = ".";

/** Reads a playlist. Throws PlaylistError. */
export function parsePlaylist(text: string): Playlist {
  if (!/^#EXTM3U(\s|$)/.test(text))
    throw new PlaylistError(
      `a playlist begins with #EXTM3U, got ${JSON.stringify(text.slice(0, 40))}`,
    );
  const manifest = parse(text);
  if (manifest.playlists?.length) return multivariantOf(manifest);
  return mediaOf(manifest, text);
}

/** What m3u8-parser gives, as far as it is used here. */
interface Manifest extends LowLatencyManifest {
  playlists?: { uri?: string; attributes?: Record<string, unknown> }[];
  contentSteering?: { serverUri?: string; pathwayId?: string };
  targetDuration?: number;
  mediaSequence?: number;
  discontinuitySequence?: number;
  endList?: boolean;
  segments?: {
    uri: string;
    duration: number;
    timeline: number;
    programDateTime?: number;
    map?: { uri: string; byterange?: ByteRangeManifest };
    byterange?: ByteRangeManifest;
    parts?: PartManifest[];
  }[];
  skip?: { skippedSegments?: number };
}

function parse(text: string): Manifest {
  const parser = new Parser();
  try {
    parser.push(text.endsWith("\n") ? text : `${text}\n`);
    parser.end();
  } catch (error) {
    throw new PlaylistError(`the playlist cannot be read: ${String(error)}`, { cause: error });
  }
  return parser.manifest as unknown as Manifest;
}

function multivariantOf({ playlists = [], contentSteering }: Manifest): MultivariantPlaylist {
  const variants = playlists.map(({ uri, attributes = {} }): Variant => {
    if (!uri) throw new PlaylistError("#EXT-X-STREAM-INF expects a URI in the line behind it");
    const text = (name: string) =>
      typeof attributes[name] === "string" ? attributes[name] : undefined;
    const bandwidth = Number(attributes["BANDWIDTH"]);
    return {
      uri,
      bandwidth: Number.isFinite(bandwidth) ? bandwidth : 0,
      codecs: text("CODECS"),
      pathwayId: text("PATHWAY-ID") ?? DEFAULT_PATHWAY,
    };
  });
  const steering = contentSteering?.serverUri
    ? {
        serverUri: contentSteering.serverUri,
        pathwayId: contentSteering.pathwayId ?? DEFAULT_PATHWAY,
      }
    : undefined;
  return { kind: "multivariant", variants, steering };
}

function mediaOf(manifest: Manifest, text: string): MediaPlaylist {
  // The parser makes up a target duration that is missing (section 4.4.3.1: REQUIRED).
  if (!/^#EXT-X-TARGETDURATION:\d/m.test(text) || !manifest.targetDuration)
    throw new PlaylistError("a media playlist needs #EXT-X-TARGETDURATION, got none");
  const skippedSegments = skippedIn(manifest);
  const first = (manifest.mediaSequence ?? 0) + (skippedSegments ?? 0);
  const segments = (manifest.segments ?? []).map((segment, at): Segment => {
    if (!(segment.duration >= 0))
      throw new PlaylistError(`segment ${first + at}: #EXTINF expected before ${segment.uri}`);
    return {
      uri: segment.uri,
      durationMs: millisecondsOf(segment.duration),
      sequence: first + at,
      discontinuitySequence: segment.timeline,
      programTimeMs: segment.programDateTime,
      mapUri: segment.map?.uri,
      byteRange: byteRangeOf(segment.byterange),
      mapByteRange: byteRangeOf(segment.map?.byterange),
      parts: partsOf(segment.parts),
    };
  });
  return {
    kind: "media",
    targetDurationMs: manifest.targetDuration * 1_000,
    segments,
    ended: manifest.endList ?? false,
    serverControl: serverControlOf(manifest),
    lowLatency: lowLatencyOf(manifest, first + segments.length),
    skippedSegments,
  };
}

/** Undefined: the whole playlist, no delta update. */
function skippedIn({ skip }: Manifest): number | undefined {
  if (!skip) return undefined;
  const { skippedSegments = Number.NaN } = skip;
  if (Number.isSafeInteger(skippedSegments) && skippedSegments >= 0) return skippedSegments;
  throw new PlaylistError("#EXT-X-SKIP expects SKIPPED-SEGMENTS with a number of segments");
}
