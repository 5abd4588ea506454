/** Cuts an MP4 into fragmented MP4 segments and parts (CMAF-like, muxed), without ffmpeg and without decoding. */
import { createHash } from "node:crypto";

import { OperatorError, messageOf } from "@glassline/service/errors";
import type { Track } from "mp4box";
import { DataStream } from "mp4box";

import type { WantedLengths } from "../core/cut-plan.ts";
import { CutError, alignCuts, planCuts } from "../core/cut-plan.ts";
import type { FrameTimes } from "../core/frame-times.ts";
import { lowerBound } from "../core/frame-times.ts";
import type { LoopPart, LoopSegment, LoopTimeline } from "../core/loop-timeline.ts";
import type { Mp4File } from "./mp4-file.ts";
import { milliseconds, notPlayable, openMp4 } from "./mp4-file.ts";

export interface CutPart extends LoopPart {
  /** A moof and an mdat for each track. */
  bytes: Buffer;
}

export interface CutSegment extends LoopSegment {
  /** Those of its parts, one after another. */
  bytes: Buffer;
  parts: readonly CutPart[];
}

export interface CutPicture extends LoopTimeline {
  init: Buffer;
  segments: readonly CutSegment[];
  /** Of the content: names of segments with another content differ. 8 hexadecimal digits. */
  digest: string;
  /** RFC 6381. */
  codecs: string;
  width: number;
  height: number;
  frameRate: number;
}

/**
 * @param path for messages only.
 * @param lengths of segments, which are cut at the nearest keyframes, and of parts, cut at the nearest frames.
 * Fails with OperatorError when the file has no picture that browsers play.
 */
export function cutPicture(bytes: Buffer, path: string, lengths: WantedLengths): CutPicture {
  return cutAs(bytes, path, (times) => planCuts(times, lengths));
}

/** The same content as another picture, cut at the same moments. Fails with OperatorError when that cannot be. */
export function cutLike(bytes: Buffer, path: string, other: CutPicture): CutPicture {
  return cutAs(bytes, path, (times) => alignCuts(times, other, 500 / other.frameRate));
}

function cutAs(bytes: Buffer, path: string, plan: (times: FrameTimes) => LoopTimeline): CutPicture {
  const mp4 = openMp4(bytes, path);
  const { video, tracks, times, init } = mp4;
  const timeline = planOrExplain(path, () => plan(times));
  const segments = cutOrExplain(path, () =>
    timeline.segments.map((segment) => cutSegment(mp4, segment)),
  );
  const digest = createHash("sha256")
    .update(init)
    .update(JSON.stringify(timeline))
    .update(segments[0]!.bytes)
    .update(bytes.subarray(-65_536));
  return {
    init,
    segments,
    lengthMs: timeline.lengthMs,
    digest: digest.digest("hex").slice(0, 8),
    codecs: tracks.map(({ codec }) => codec).join(","),
    width: video.video?.width ?? 0,
    height: video.video?.height ?? 0,
    frameRate: (times.frames.length * 1_000) / timeline.lengthMs,
  };
}

function planOrExplain(path: string, plan: () => LoopTimeline): LoopTimeline {
  try {
    return plan();
  } catch (error) {
    if (!(error instanceof CutError)) throw error;
    throw new OperatorError(`${path}: cannot be cut: ${error.message}.`, { cause: error });
  }
}

function cutOrExplain<T>(path: string, cut: () => T): T {
  try {
    return cut();
  } catch (error) {
    throw notPlayable(path, `its media data cannot be read (${messageOf(error)})`);
  }
}

/** A segment without parts is cut as one. */
function cutSegment(mp4: Mp4File, segment: LoopSegment): CutSegment {
  const { parts } = segment;
  const pieces = (parts.length > 0 ? parts : [segment]).map((piece) => cutPiece(mp4, piece));
  const bytes = Buffer.concat(pieces);
  let at = 0;
  const cutParts = parts.map((part, index): CutPart => {
    const from = at;
    at += pieces[index]!.length;
    return { ...part, bytes: bytes.subarray(from, at) };
  });
  return { ...segment, bytes, parts: cutParts };
}

function cutPiece(mp4: Mp4File, { startMs, durationMs }: Omit<LoopPart, "independent">): Buffer {
  const { file, video, tracks } = mp4;
  const originMs = milliseconds(file.getTrackSamplesInfo(video.id)[0]!.dts, video);
  const stream = new DataStream();
  for (const track of tracks)
    addFragment(mp4, track, stream, originMs + startMs, originMs + startMs + durationMs);
  return Buffer.from(stream.buffer.slice(0));
}

/** The track's samples that begin in [fromMs, toMs), as one moof and mdat; nothing when there are none. */
function addFragment(
  { file }: Mp4File,
  track: Track,
  stream: DataStream,
  fromMs: number,
  toMs: number,
): void {
  const samples = file.getTrackSamplesInfo(track.id);
  // Half a tick, so that rounding does not move a sample to its neighbour.
  const tickMs = 500 / track.timescale;
  const startMs = (at: number) => milliseconds(samples[at]!.dts, track) + tickMs;
  const from = lowerBound(samples.length, startMs, fromMs);
  const end = lowerBound(samples.length, startMs, toMs);
  if (from >= end) return;
  if (!file.createFragment(track.id, from, end - 1, stream))
    throw new Error(`samples from ${fromMs} ms on are missing`);
}
