import { openSource } from "./open-source.ts";
import type { PictureSource } from "./picture-source.ts";
import type { Playhead } from "./playhead.ts";
import { type PlayerSnapshot, type PlayerState, playerState, seekTargetS } from "./player-state.ts";
import { createStallMeter } from "./stall-meter.ts";

/** The line in the charts moves so often, and the words of the player every third time. */
const TICK_MS = 100;
const TICKS_A_SNAPSHOT = 3;
/** A picture that waits for so long although nothing seems to be wrong is begun anew. */
const HANGS_AFTER_MS = 10_000;

export interface PlayerOptions {
  video: HTMLVideoElement;
  /** Bears data-playing-ms. */
  frame: HTMLElement;
  /** Of the multivariant playlist, below any edge. */
  path: string;
  contentId: string;
  playhead: Playhead;
  /** Addresses of the edges that answer, at this moment. */
  edgeUrls(): readonly string[];
  /** Unix ms by the servers' clock. */
  nowMs(): number;
  onChange(snapshot: PlayerSnapshot): void;
}

/** Plays a channel, goes where the charts say, and tells what it is doing. */
export class Player implements Disposable {
  readonly #options: PlayerOptions;
  readonly #stop = new AbortController();
  readonly #meter = createStallMeter();
  readonly #timer: number;
  readonly #endService: () => void;
  #source: PictureSource | undefined;
  /** Why there will never be a source. */
  #failure: PlayerState | undefined;
  #wantsPlay = true;
  #isLive = true;
  #seeks = false;
  #ticks = 0;
  #quietSinceMs = performance.now();

  constructor(options: PlayerOptions) {
    this.#options = options;
    this.#listen();
    this.#timer = window.setInterval(() => this.#tick(), TICK_MS);
    this.#endService = options.playhead.serve((momentMs) => this.#seekMoment(momentMs));
    void this.#open();
  }

  togglePlay(): void {
    this.#setPlay(!this.#wantsPlay);
  }

  goLive(): void {
    const liveS = this.#source?.livePositionS();
    if (liveS !== undefined) this.#seek(liveS, true);
    this.#setPlay(true);
  }

  [Symbol.dispose](): void {
    this.#stop.abort();
    window.clearInterval(this.#timer);
    this.#endService();
    this.#options.playhead.show(undefined);
    this.#source?.[Symbol.dispose]();
  }

  async #open(): Promise<void> {
    const { video, path, contentId, edgeUrls } = this.#options;
    const onReady = (): void => {
      // Whatever begins anew begins at live.
      if (this.#wantsPlay) this.#follow(true);
      this.#play();
    };
    try {
      const source = await openSource({ video, path, contentId, edgeUrls, onReady });
      if (this.#stop.signal.aborted) source?.[Symbol.dispose]();
      else if (source) this.#source = source;
      else this.#failure = "unsupported";
    } catch {
      // The player's code could not be loaded.
      this.#failure = "no-picture";
    }
  }

  #listen(): void {
    const { video } = this.#options;
    const on = (type: keyof HTMLMediaElementEventMap, listener: () => void): void =>
      video.addEventListener(type, listener, this.#stop);
    const onWaiting = (): void => {
      if (this.#wantsPlay && !this.#seeks) this.#meter.waits(performance.now());
    };
    on("waiting", onWaiting);
    // Another source takes the element.
    on("emptied", onWaiting);
    on("playing", () => {
      this.#seeks = false;
      this.#meter.moves(performance.now());
    });
    // By the keyboard, a headset or the browser itself.
    on("pause", () => this.#wantsPlay && this.#setPlay(false));
    on("play", () => (this.#wantsPlay = true));
  }

  #setPlay(wanted: boolean): void {
    this.#wantsPlay = wanted;
    if (wanted) return this.#play();
    this.#meter.rests(performance.now());
    this.#follow(false);
    this.#options.video.pause();
  }

  #play(): void {
    if (!this.#wantsPlay) return;
    this.#options.video.play().catch(({ name }: Error) => {
      // Some browsers want a click first. Any other reason is a new source, which asks again.
      if (name === "NotAllowedError") this.#setPlay(false);
    });
  }

  #follow(live: boolean): void {
    this.#isLive = live;
    this.#source?.follow(live);
  }

  #seekMoment(momentMs: number): void {
    const shownMs = this.#source?.playingMs();
    if (shownMs === undefined) return;
    const { currentTime, seekable } = this.#options.video;
    const playing = { momentMs: shownMs, timeS: currentTime };
    const targetS = seekTargetS(momentMs, playing, rangesOf(seekable));
    if (targetS !== undefined) this.#seek(targetS, false);
  }

  #seek(timeS: number, live: boolean): void {
    this.#seeks = true;
    this.#meter.rests(performance.now());
    this.#follow(live);
    this.#options.video.currentTime = timeS;
  }

  #tick(): void {
    const { frame, playhead, onChange } = this.#options;
    const playingMs = this.#source?.playingMs();
    if (playingMs === undefined) delete frame.dataset["playingMs"];
    else frame.dataset["playingMs"] = String(Math.round(playingMs));
    playhead.show(playingMs);
    this.#renewWhatHangs();
    if (this.#ticks++ % TICKS_A_SNAPSHOT === 0) onChange(this.#snapshot(playingMs));
  }

  #renewWhatHangs(): void {
    const nowMs = performance.now();
    const isFine =
      !this.#wantsPlay ||
      this.#source?.trouble() !== undefined ||
      (this.#meter.hasMoved() && !this.#meter.isStalled());
    if (isFine) this.#quietSinceMs = nowMs;
    if (nowMs - this.#quietSinceMs < HANGS_AFTER_MS) return;
    this.#quietSinceMs = nowMs;
    this.#source?.renew();
  }

  #snapshot(playingMs: number | undefined): PlayerSnapshot {
    const state = playerState({
      trouble: this.#source?.trouble(),
      hasMoved: this.#meter.hasMoved(),
      isStalled: this.#meter.isStalled(),
      wantsPlay: this.#wantsPlay,
    });
    const behindMs = playingMs === undefined ? undefined : this.#options.nowMs() - playingMs;
    return {
      state: this.#failure ?? state,
      edge: this.#source?.edge(),
      behindMs: behindMs === undefined ? undefined : Math.max(0, behindMs),
      stalls: this.#meter.stalls(performance.now()),
      isLive: this.#isLive,
    };
  }
}

function rangesOf(ranges: TimeRanges): [fromS: number, toS: number][] {
  return Array.from({ length: ranges.length }, (_, at) => [ranges.start(at), ranges.end(at)]);
}
