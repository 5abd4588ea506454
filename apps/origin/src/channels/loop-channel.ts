/** A file as a live channel: the same segments pass after pass, under numbers that go on for ever. */
import { ChannelKind } from "@glassline/proto/origin";
import { writeMediaPlaylist, writeMultivariantPlaylist } from "@glassline/hls/write";

import {
  firstCountedPass,
  newestSequence,
  partOf,
  segmentStartMs,
  targetDurationMs,
  windowAt,
} from "../core/loop-timeline.ts";
import type { CutPicture } from "../media/cutter.ts";
import type { Channel, Found } from "./channel.ts";
import {
  INDEX,
  MP4_TYPE,
  MULTIVARIANT_MAX_AGE_S,
  PLAYLIST_TYPE,
  SEGMENT_MAX_AGE_S,
  SEGMENT_TYPE,
  channelPath,
  playlistMaxAgeS,
} from "./channel.ts";

const MEDIA = "picture.m3u8";
/** Segments in the playlist. */
const WINDOW_SEGMENTS = 8;
/** Segments that left the playlist are served for players that are late (RFC 8216bis section 6.2.2). */
const KEPT_SEGMENTS = 3 * WINDOW_SEGMENTS;

export interface LoopChannelOptions {
  name: string;
  cameraId: string;
  picture: CutPicture;
  /** When the origin started, Unix milliseconds. */
  startedMs: number;
}

export function loopChannel({ name, cameraId, picture, startedMs }: LoopChannelOptions): Channel {
  const countedFrom = firstCountedPass(picture, startedMs);
  const targetMs = targetDurationMs(picture);
  const index = text(multivariant(picture), MULTIVARIANT_MAX_AGE_S);
  const initName = `${picture.digest}/init.mp4`;
  const segmentName = new RegExp(`^${picture.digest}/(\\d{1,15})\\.m4s$`);
  const storedBytes = picture.parts.reduce((sum, { bytes }) => sum + bytes.length, 0);

  const media = (nowMs: number) =>
    writeMediaPlaylist({
      kind: "media",
      targetDurationMs: targetMs,
      ended: false,
      segments: windowAt(picture, nowMs, WINDOW_SEGMENTS, countedFrom).map((segment) => ({
        ...segment,
        uri: `${picture.digest}/${segment.sequence}.m4s`,
        mapUri: initName,
      })),
    });

  const segment = (sequence: number, nowMs: number): Found | undefined => {
    const newest = newestSequence(picture, nowMs);
    if (sequence > newest || sequence <= newest - KEPT_SEGMENTS) return undefined;
    const { bytes: body } = picture.parts[partOf(picture, sequence)]!;
    return { body, contentType: SEGMENT_TYPE, maxAgeS: SEGMENT_MAX_AGE_S };
  };

  return {
    name,
    find(path, nowMs) {
      if (path === INDEX) return index;
      if (path === MEDIA) return text(media(nowMs), playlistMaxAgeS(targetMs));
      if (path === initName)
        return { body: picture.init, contentType: MP4_TYPE, maxAgeS: SEGMENT_MAX_AGE_S };
      const sequence = segmentName.exec(path)?.[1];
      return sequence === undefined ? undefined : segment(Number(sequence), nowMs);
    },
    status(nowMs) {
      const newest = newestSequence(picture, nowMs);
      const newestEndMs =
        segmentStartMs(picture, newest) + picture.parts[partOf(picture, newest)]!.durationMs;
      return {
        name,
        kind: ChannelKind.LOOP,
        path: channelPath(name),
        cameraId,
        loopLengthMs: picture.lengthMs,
        targetDurationMs: targetMs,
        newestSequence: BigInt(newest),
        newestEndUnixNano: BigInt(Math.round(newestEndMs * 1_000)) * 1_000n,
        storedBytes: BigInt(storedBytes),
        width: picture.width,
        height: picture.height,
        codecs: picture.codecs,
      };
    },
  };
}

function multivariant({ parts, lengthMs, codecs, width, height, frameRate }: CutPicture): string {
  const bits = (bytes: number, timeMs: number) => (bytes * 8_000) / timeMs;
  const total = parts.reduce((sum, { bytes }) => sum + bytes.length, 0);
  return writeMultivariantPlaylist([
    {
      uri: MEDIA,
      bandwidth: Math.max(...parts.map(({ bytes, durationMs }) => bits(bytes.length, durationMs))),
      averageBandwidth: bits(total, lengthMs),
      codecs,
      width,
      height,
      frameRate,
    },
  ]);
}

function text(content: string, maxAgeS: number): Found {
  return { body: Buffer.from(content), contentType: PLAYLIST_TYPE, maxAgeS };
}
