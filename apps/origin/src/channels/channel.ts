/** What the origin serves: a live channel, made from a file or pushed by an encoder. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ChannelSchema } from "@glassline/proto/origin";

export interface Found {
  body: Buffer;
  contentType: string;
  /** RFC 9111 section 5.2.2. */
  cacheControl: string;
}

/** What will exist soon: a request for it may wait. */
export interface NotYet {
  what: "playlist" | "part";
  /** Unix milliseconds. */
  existsFromMs: number;
  /** A request should wait no longer. */
  timeLimitMs: number;
}

export interface Channel {
  readonly name: string;
  /**
   * @param path below the channel: "index.m3u8".
   * @param query directives of the player (RFC 8216bis section 6.2.5).
   * Undefined: no such thing, or not yet, or not any more. Throws DirectiveError.
   */
  find(path: string, nowMs: number, query?: URLSearchParams): Found | NotYet | undefined;
  status(nowMs: number): MessageInitShape<typeof ChannelSchema>;
}

export function isFound(answer: Found | NotYet): answer is Found {
  return "body" in answer;
}

/** Name of every channel's multivariant playlist. */
export const INDEX = "index.m3u8";

export const PLAYLIST_TYPE = "application/vnd.apple.mpegurl";
export const MP4_TYPE = "video/mp4";
/** CMAF and ISO/IEC 14496-12 media segments. */
export const SEGMENT_TYPE = "video/iso.segment";

/** Multivariant playlists change when channels do. */
export const MULTIVARIANT_FRESH = fresh(5);
/** Segments, parts and initialization sections never change: a name stands for one content (RFC 8246). */
export const IMMUTABLE = `${fresh(3_600)}, immutable`;
/** Caches ask again each time, and are told whether there is something new. */
const ALWAYS_ASK = "no-cache";

export function fresh(maxAgeS: number): string {
  return `public, max-age=${maxAgeS}`;
}

/** A playlist is fresh for half a segment. */
export function playlistFresh(targetDurationMs: number): string {
  return fresh(Math.max(1, Math.floor(targetDurationMs / 2_000)));
}

/**
 * A playlist of low latency that was not waited for: half a target duration, but no more than the second that is the least
 * which can be said (RFC 9111 section 1.2.2), since it changes with each part.
 */
export function lowLatencyPlaylistFresh(targetDurationMs: number): string {
  return targetDurationMs >= 2_000 ? fresh(1) : ALWAYS_ASK;
}

/** One that was waited for: its address names what it has at least, so it lasts for six target durations. */
export function blockedPlaylistFresh(targetDurationMs: number): string {
  return fresh(Math.round((6 * targetDurationMs) / 1_000));
}

/** Address of a channel's multivariant playlist. */
export function channelPath(name: string): string {
  return `/live/${name}/${INDEX}`;
}
