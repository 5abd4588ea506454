/** Why there is no picture: no edge answers, or edges answer and have none that can be played. */
export type Trouble = "edges-away" | "no-picture";

/** Something that fills a video element with a live channel and keeps it filled. */
export interface PictureSource extends Disposable {
  /** Unix ms of the frame that is shown, by EXT-X-PROGRAM-DATE-TIME; undefined: not known. */
  playingMs(): number | undefined;
  /** Name of the edge that the newest segment came from. */
  edge(): string | undefined;
  /** What is wrong at present; what is buffered may play on meanwhile. */
  trouble(): Trouble | undefined;
  /** Where in the video, in seconds, live is; undefined: not known. */
  livePositionS(): number | undefined;
  /** Whether to stay close to live, or where the viewer has gone. */
  follow(live: boolean): void;
  /** For a picture that stands still although nothing seems to be wrong: begins anew. */
  renew(): void;
}

export interface PictureSourceOptions {
  video: HTMLVideoElement;
  /** Path of the multivariant playlist, below any edge. */
  path: string;
  /** Name of the channel, told to edges. */
  contentId: string;
  /** Addresses of the edges that answer, at this moment. */
  edgeUrls(): readonly string[];
  /** There is something to play now. */
  onReady(): void;
}
