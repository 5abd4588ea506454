/** A viewer that notes what it gets from which edge, and when. */
import { fetchGet } from "@glassline/hls/fetch";
import { Player } from "@glassline/hls/player";
import { systemClock } from "@glassline/service/clock";

const OK = 200;

export interface Got {
  /** "http://localhost:7471" */
  edge: string;
  /** "/live/cam-0001/picture/12.m4s" */
  path: string;
  isMedia: boolean;
  /** By performance.now(), when the whole of it was there. */
  atMs: number;
}

export class Viewer implements AsyncDisposable {
  readonly #stop = new AbortController();
  readonly #playing: Promise<unknown>;
  readonly #player: Player;
  readonly got: Got[] = [];

  /** @param urls of multivariant playlists, the first one first. */
  constructor(name: string, urls: readonly string[]) {
    this.#player = new Player({
      urls,
      clock: systemClock,
      sessionId: name,
      get: async (url, signal) => {
        const answer = await fetchGet(url, signal);
        if (answer.status === OK) this.#note(url);
        return answer;
      },
    });
    this.#playing = this.#player.play(this.#stop.signal);
  }

  /** Segments that it has played. */
  get segments(): number {
    return this.#player.report.segments;
  }

  /** The pathway that it is on, which is named as its edge. */
  get pathway(): string {
    return this.#player.report.pathway;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#playing;
  }

  #note(url: string): void {
    const { origin, pathname } = new URL(url);
    // Whom steering asks is no matter of who serves.
    if (pathname.startsWith("/steering/")) return;
    const isMedia = !pathname.endsWith(".m3u8");
    this.got.push({ edge: origin, path: pathname, isMedia, atMs: performance.now() });
  }
}
