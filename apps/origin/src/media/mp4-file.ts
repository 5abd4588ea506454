/** An MP4 that is opened to be cut: its tracks, its frames, its initialization section (ISO/IEC 14496-12), by mp4box. */
import { OperatorError, messageOf } from "@glassline/service/errors";
import type { ISOFile, Movie, Sample, Track } from "mp4box";
import { MP4BoxBuffer, createFile } from "mp4box";

import type { FrameTimes } from "../core/frame-times.ts";

export interface Mp4File {
  file: ISOFile;
  video: Track;
  /** The picture, and the sound if there is one. */
  tracks: readonly Track[];
  times: FrameTimes;
  init: Buffer;
}

/**
 * @param path for messages only.
 * Fails with OperatorError when the file has no picture that browsers play.
 */
export function openMp4(bytes: Buffer, path: string): Mp4File {
  const { file, movie } = parse(bytes, path);
  const video = movie.videoTracks[0];
  if (!video) throw notPlayable(path, "it has no picture track");
  const audio = movie.audioTracks[0];
  const tracks = audio ? [video, audio] : [video];
  const samples = file.getTrackSamplesInfo(video.id);
  if (!samples[0]?.is_sync) throw notPlayable(path, "its picture does not begin with a keyframe");
  alignTracks(file, tracks);
  return {
    file,
    video,
    tracks,
    times: frameTimes(samples, video),
    init: initialisation(file, tracks),
  };
}

export function notPlayable(path: string, reason: string): OperatorError {
  return new OperatorError(
    `${path}: cannot become a channel: ${reason}. Give an MP4 with an H.264 or H.265 picture.`,
  );
}

export function milliseconds(ticks: number, { timescale }: Track): number {
  return (ticks * 1_000) / timescale;
}

function parse(bytes: Buffer, path: string): { file: ISOFile; movie: Movie } {
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

function frameTimes(samples: readonly Sample[], video: Track): FrameTimes {
  const origin = samples[0]!.dts;
  const last = samples.at(-1)!;
  return {
    frames: samples.map(({ dts, is_sync }) => ({
      startMs: milliseconds(dts - origin, video),
      isKeyframe: is_sync,
    })),
    lengthMs: milliseconds(last.dts + last.duration - origin, video),
  };
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
