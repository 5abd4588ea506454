/** One picture of a looped channel: its media playlist, and its objects under names that stand for one content each. */
import { skippableSegments } from "@glassline/hls/delta";
import { writeMediaPlaylist } from "@glassline/hls/write";

import { withKeyframesOf } from "../core/cut-plan.ts";
import type { LiveEnd, Place } from "../core/live-end.ts";
import type { PlaylistOptions } from "../core/live-playlist.ts";
import { playlistAt } from "../core/live-playlist.ts";
import type { LoopTimeline } from "../core/loop-timeline.ts";
import { indexOf } from "../core/loop-timeline.ts";
import type { CutPicture } from "../media/cutter.ts";

export interface RenditionOptions {
  picture: CutPicture;
  /** Shared by all renditions. */
  timeline: LoopTimeline;
  /** Media playlists of the other renditions. */
  others: readonly string[];
  countedFrom: number;
}

export class Rendition {
  readonly picture: CutPicture;
  readonly initName: string;
  readonly #timeline: LoopTimeline;
  readonly #options: PlaylistOptions;
  readonly #name: RegExp;
  /** The playlist changes only with the end of the stream: many requests, one text. */
  #written: { end: LiveEnd; full: Buffer; delta: Buffer } | undefined;

  constructor({ picture, timeline, others, countedFrom }: RenditionOptions) {
    const { digest } = picture;
    this.picture = picture;
    this.initName = `${digest}/init.mp4`;
    this.#timeline = withKeyframesOf(timeline, picture);
    this.#name = new RegExp(`^${digest}/(\\d{1,15})(?:\\.(\\d{1,5}))?\\.m4s$`);
    const names = {
      init: this.initName,
      segment: (sequence: number) => `${digest}/${sequence}.m4s`,
      part: (sequence: number, part: number) => `${digest}/${sequence}.${part}.m4s`,
    };
    this.#options = { names, countedFrom, others };
  }

  /** @param skip without the segments that the player knows (RFC 8216bis section 6.2.5.1). */
  playlist(end: LiveEnd, skip: boolean): Buffer {
    const known = this.#written;
    const isSame = known?.end.newest === end.newest && known.end.openParts === end.openParts;
    const written = isSame ? known : this.#write(end);
    this.#written = written;
    return skip ? written.delta : written.full;
  }

  /** The segment or part that a name stands for; undefined: none of this picture. */
  placeOf(path: string): Place | undefined {
    const [, sequence, part] = this.#name.exec(path) ?? [];
    if (sequence === undefined) return undefined;
    const place = {
      sequence: Number(sequence),
      part: part === undefined ? undefined : Number(part),
    };
    return this.bytes(place) && place;
  }

  bytes({ sequence, part }: Place): Buffer | undefined {
    const segment = this.picture.segments[indexOf(this.picture, sequence)]!;
    return part === undefined ? segment.bytes : segment.parts[part]?.bytes;
  }

  #write(end: LiveEnd) {
    const playlist = playlistAt(this.#timeline, end, this.#options);
    const written = (skip: number) => Buffer.from(writeMediaPlaylist(playlist, skip));
    return { end, full: written(0), delta: written(skippableSegments(playlist)) };
  }
}
