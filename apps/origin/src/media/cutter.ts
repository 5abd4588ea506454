/** Cuts an MP4 into fragmented MP4 segments (ISO/IEC 14496-12, CMAF-like, muxed), without ffmpeg and without decoding. */
import { createHash } from "node:crypto";

import { OperatorError, messageOf } from "@glassline/service/errors";
import type { ISOFile, Movie, Sample, Track } from "mp4box";
import { DataStream, MP4BoxBuffer, createFile } from "mp4box";

import { cutPoints } from "../core/cut-points.ts";
import type { LoopPart, LoopTimeline } from "../core/loop-timeline.ts";

export interface CutSegment extends LoopPart {
  bytes: Buffer;
}

export interface CutPicture extends LoopTimeline {
  init: Buffer;
  parts: readonly CutSegment[];
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
 * @param wantedMs length of a segment; cuts are made at the nearest keyframes.
 * Fails with OperatorError when the file has no picture that browsers play.
 */
export function cutPicture(bytes: Buffer, path: string, wantedMs: number): CutPicture {
  const { file, movie } = open(bytes, path);
  const video = movie.videoTracks[0];
  if (!video) throw notPlayable(path, "it has no picture track");
  const audio = movie.audioTracks[0];
  const tracks = audio ? [video, audio] : [video];
  const samples = file.getTrackSamplesInfo(video.id);
  const first = samples[0];
  if (!first?.is_sync) throw notPlayable(path, "its picture does not begin with a keyframe");
  alignTracks(file, tracks);
  const init = initialisation(file, tracks);
  const last = samples.at(-1)!;
  const lengthMs = milliseconds(last.dts + last.duration - first.dts, video);
  const parts = cutOrExplain(file, tracks, { lengthMs, wantedMs, path });
  const digest = createHash("sha256")
    .update(init)
    .update(parts[0]!.bytes)
    .update(bytes.subarray(-65_536));
  return {
    init,
    parts,
    lengthMs,
    digest: digest.digest("hex").slice(0, 8),
    codecs: tracks.map(({ codec }) => codec).join(","),
    width: video.video?.width ?? 0,
    height: video.video?.height ?? 0,
    frameRate: (samples.length * 1_000) / lengthMs,
  };
}

function open(bytes: Buffer, path: string): { file: ISOFile; movie: Movie } {
  // True: the media data are kept.
  const file = createFile(true);
  let movie: Movie | undefined;
  file.onReady = (found) => void (movie = found);
  try {
    const whole = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
    file.appendBuffer(MP4BoxBuffer.fromArrayBuffer(whole as ArrayBuffer, 0));
    file.flush();
  } catch (error) {
    throw notPlayable(path, messageOf(error));
  }
  if (!movie) throw notPlayable(path, "it has no moov box that can be read");
  return { file, movie };
}

function notPlayable(path: string, reason: string): OperatorError {
  return new OperatorError(
    `${path}: cannot become a channel: ${reason}. Give an MP4 with an H.264 or H.265 picture.`,
  );
}

/**
 * Edit lists shift tracks against each other, and players of fragments ignore them: the shift of the picture is put into
 * the sound's times instead.
 */
function alignTracks(file: ISOFile, [video, audio]: readonly Track[]): void {
  const shiftOf = (track: Track | undefined) =>
    track
      ? Math.max(0, track.edits?.findLast(({ media_time }) => media_time >= 0)?.media_time ?? 0) /
        track.timescale
      : 0;
  if (audio) {
    const shift = Math.round((shiftOf(video) - shiftOf(audio)) * audio.timescale);
    const samples = file.getTrackSamplesInfo(audio.id);
    for (const sample of shift > 0 ? samples : []) {
      sample.dts += shift;
      sample.cts += shift;
    }
  }
  for (const trak of file.moov.traks) {
    if (!trak.edts) continue;
    trak.boxes = trak.boxes?.filter((box) => box !== trak.edts) ?? [];
    delete (trak as { edts?: unknown }).edts;
  }
}

function initialisation(file: ISOFile, tracks: readonly Track[]): Buffer {
  // Without a callback the library warns.
  file.onSegment = () => {};
  for (const { id } of tracks) file.setSegmentOptions(id, undefined, {});
  return Buffer.from(file.initializeSegmentation("combined").buffer);
}

function cutOrExplain(
  file: ISOFile,
  tracks: readonly Track[],
  { lengthMs, wantedMs, path }: { lengthMs: number; wantedMs: number; path: string },
): CutSegment[] {
  try {
    return cut(file, tracks, lengthMs, wantedMs);
  } catch (error) {
    throw notPlayable(path, `its media data cannot be read (${messageOf(error)})`);
  }
}

function cut(
  file: ISOFile,
  tracks: readonly Track[],
  lengthMs: number,
  wantedMs: number,
): CutSegment[] {
  const video = tracks[0]!;
  const samples = file.getTrackSamplesInfo(video.id);
  const origin = samples[0]!.dts;
  const atMs = (sample: Sample) => milliseconds(sample.dts - origin, video);
  const starts = cutPoints(samples.filter(({ is_sync }) => is_sync).map(atMs), lengthMs, wantedMs);
  return starts.map((startMs, index) => {
    const endMs = starts[index + 1] ?? lengthMs;
    const stream = new DataStream();
    for (const track of tracks) {
      const first = milliseconds(origin, video);
      addFragment(file, track, stream, first + startMs, first + endMs);
    }
    return { startMs, durationMs: endMs - startMs, bytes: Buffer.from(stream.buffer.slice(0)) };
  });
}

/** The track's samples that begin in [fromMs, toMs), as one moof and mdat. */
function addFragment(
  file: ISOFile,
  track: Track,
  stream: DataStream,
  fromMs: number,
  toMs: number,
): void {
  const samples = file.getTrackSamplesInfo(track.id);
  // Half a tick, so that rounding does not move a sample to its neighbour.
  const tickMs = 500 / track.timescale;
  const isIn = (sample: Sample) => {
    const atMs = milliseconds(sample.dts, track) + tickMs;
    return atMs >= fromMs && atMs < toMs;
  };
  const from = samples.findIndex(isIn);
  if (from < 0) return;
  if (!file.createFragment(track.id, from, samples.findLastIndex(isIn), stream))
    throw new Error(`samples from ${fromMs} ms on are missing`);
}

function milliseconds(ticks: number, { timescale }: Track): number {
  return (ticks * 1_000) / timescale;
}
