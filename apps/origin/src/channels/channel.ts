/** What the origin serves: a live channel, made from a file or pushed by an encoder. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ChannelSchema } from "@glassline/proto/origin";

export interface Found {
  body: Buffer;
  contentType: string;
  /** How long a cache may keep it, seconds. */
  maxAgeS: number;
}

export interface Channel {
  readonly name: string;
  /** @param path below the channel: "index.m3u8". Undefined: no such thing, or not yet, or not any more. */
  find(path: string, nowMs: number): Found | undefined;
  status(nowMs: number): MessageInitShape<typeof ChannelSchema>;
}

/** Name of every channel's multivariant playlist. */
export const INDEX = "index.m3u8";

export const PLAYLIST_TYPE = "application/vnd.apple.mpegurl";
export const MP4_TYPE = "video/mp4";
/** CMAF and ISO/IEC 14496-12 media segments. */
export const SEGMENT_TYPE = "video/iso.segment";

/** Multivariant playlists change when channels do. */
export const MULTIVARIANT_MAX_AGE_S = 5;
/** Segments and initialization sections never change: a name stands for one content. */
export const SEGMENT_MAX_AGE_S = 3_600;

/** A playlist is fresh for half a segment. */
export function playlistMaxAgeS(targetDurationMs: number): number {
  return Math.max(1, Math.floor(targetDurationMs / 2_000));
}

/** Address of a channel's multivariant playlist. */
export function channelPath(name: string): string {
  return `/live/${name}/${INDEX}`;
}
