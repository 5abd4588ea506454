/** Files as a live channel: the same segments pass after pass, under numbers that go on for ever. */
import type { VariantLine } from "@glassline/hls/write";
import { writeMultivariantPlaylist } from "@glassline/hls/write";
import { ChannelKind } from "@glassline/proto/origin";

import { missing, readDirectives } from "../core/directives.ts";
import type { LiveEnd, Place } from "../core/live-end.ts";
import { exists, liveEnd, nextPart } from "../core/live-end.ts";
import { windowSegments } from "../core/live-playlist.ts";
import {
  firstCountedPass,
  partEndMs,
  partTargetMs,
  segmentEndMs,
  targetDurationMs,
} from "../core/loop-timeline.ts";
import type { CutPicture } from "../media/cutter.ts";
import type { Channel, Found, NotYet } from "./channel.ts";
import {
  IMMUTABLE,
  INDEX,
  MP4_TYPE,
  MULTIVARIANT_FRESH,
  PLAYLIST_TYPE,
  SEGMENT_TYPE,
  blockedPlaylistFresh,
  channelPath,
  lowLatencyPlaylistFresh,
  playlistFresh,
} from "./channel.ts";
import { Rendition } from "./rendition.ts";

/** What left the playlist is served for players that are late (RFC 8216bis section 6.2.2), for so many of its lengths. */
const KEPT_WINDOWS = 3;
/** A request is held no longer (RFC 8216bis section 6.2.5.2). */
const HOLD_MAX_TARGETS = 3;
/** And no longer than connections on which nothing moves are kept (30 s), less what an answer takes. */
const HOLD_MAX_MS = 25_000;

export interface LoopChannelOptions {
  name: string;
  cameraId: string;
  /** The same content, cut at the same moments; the best first. At least one. */
  pictures: readonly CutPicture[];
  /** When the origin started, Unix milliseconds. */
  startedMs: number;
}

export function loopChannel({ name, cameraId, pictures, startedMs }: LoopChannelOptions): Channel {
  const timeline = pictures[0]!;
  const countedFrom = firstCountedPass(timeline, startedMs);
  const targetMs = targetDurationMs(timeline);
  const partMs = partTargetMs(timeline);
  const timeLimitMs = Math.min(HOLD_MAX_TARGETS * targetMs, HOLD_MAX_MS);
  const window = windowSegments(timeline);
  const kept = KEPT_WINDOWS * window;
  const names = pictures.map((_, at) => playlistName(at));
  const renditions = new Map(
    pictures.map((picture, at) => {
      const others = names.filter((other) => other !== names[at]);
      return [names[at]!, new Rendition({ picture, timeline, others, countedFrom })];
    }),
  );
  const index = playlist(Buffer.from(multivariant(pictures)), MULTIVARIANT_FRESH);

  const media = (rendition: Rendition, end: LiveEnd, query: URLSearchParams): Found | NotYet => {
    if (partMs === 0) return playlist(rendition.playlist(end, false), playlistFresh(targetMs));
    const { wanted, skip } = readDirectives(query);
    const awaited = wanted && missing(timeline, end, wanted);
    if (awaited) return { what: "playlist", existsFromMs: existsFromMs(awaited), timeLimitMs };
    // What is long gone says nothing of what a playlist must have: it is as if nothing was wanted.
    const isBound = wanted !== undefined && wanted.sequence > end.newest - window;
    return playlist(
      rendition.playlist(end, skip),
      isBound ? blockedPlaylistFresh(targetMs) : lowLatencyPlaylistFresh(targetMs),
    );
  };

  const existsFromMs = ({ sequence, part }: Place) =>
    part === undefined ? segmentEndMs(timeline, sequence) : partEndMs(timeline, sequence, part);

  const piece = (rendition: Rendition, place: Place, end: LiveEnd): Found | NotYet | undefined => {
    if (place.sequence <= end.newest - kept) return undefined;
    if (exists(end, place))
      return {
        body: rendition.bytes(place)!,
        contentType: SEGMENT_TYPE,
        cacheControl: IMMUTABLE,
      };
    // Only what the playlist hints at may be asked for before it exists (RFC 8216bis section 6.2.6).
    const next = nextPart(end);
    const isHinted = place.sequence === next.sequence && place.part === next.part;
    return isHinted ? { what: "part", existsFromMs: existsFromMs(place), timeLimitMs } : undefined;
  };

  const object = (path: string, end: LiveEnd): Found | NotYet | undefined => {
    for (const rendition of renditions.values()) {
      if (path === rendition.initName)
        return { body: rendition.picture.init, contentType: MP4_TYPE, cacheControl: IMMUTABLE };
      const place = rendition.placeOf(path);
      if (place) return piece(rendition, place, end);
    }
    return undefined;
  };

  return {
    name,
    find(path, nowMs, query = new URLSearchParams()) {
      if (path === INDEX) return index;
      const end = liveEnd(timeline, nowMs);
      const rendition = renditions.get(path);
      return rendition ? media(rendition, end, query) : object(path, end);
    },
    status(nowMs) {
      const { newest } = liveEnd(timeline, nowMs);
      const { width, height, codecs } = timeline;
      return {
        name,
        kind: ChannelKind.LOOP,
        path: channelPath(name),
        cameraId,
        loopLengthMs: timeline.lengthMs,
        targetDurationMs: targetMs,
        newestSequence: BigInt(newest),
        newestEndUnixNano: BigInt(Math.round(segmentEndMs(timeline, newest) * 1_000)) * 1_000n,
        storedBytes: BigInt(pictures.reduce((sum, picture) => sum + storedBytes(picture), 0)),
        width,
        height,
        codecs,
        partTargetDurationMs: partMs,
        renditions: pictures.length,
      };
    },
  };
}

/** "picture.m3u8", "picture-2.m3u8" */
function playlistName(at: number): string {
  return at === 0 ? "picture.m3u8" : `picture-${at + 1}.m3u8`;
}

function storedBytes({ segments }: CutPicture): number {
  return segments.reduce((sum, { bytes }) => sum + bytes.length, 0);
}

function multivariant(pictures: readonly CutPicture[]): string {
  return writeMultivariantPlaylist(pictures.map((picture, at) => variant(picture, at)));
}

function variant(picture: CutPicture, at: number): VariantLine {
  const { segments, lengthMs, codecs, width, height, frameRate } = picture;
  const bits = (bytes: number, timeMs: number) => (bytes * 8_000) / timeMs;
  return {
    uri: playlistName(at),
    bandwidth: Math.max(...segments.map(({ bytes, durationMs }) => bits(bytes.length, durationMs))),
    averageBandwidth: bits(storedBytes(picture), lengthMs),
    codecs,
    width,
    height,
    frameRate,
  };
}

function playlist(body: Buffer, cacheControl: string): Found {
  return { body, contentType: PLAYLIST_TYPE, cacheControl };
}
