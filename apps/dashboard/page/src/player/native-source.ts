import { edgeOrder, retryDelayMs } from "./edge-order.ts";
import type { PictureSource, PictureSourceOptions, Trouble } from "./picture-source.ts";

const HLS_TYPE = "application/vnd.apple.mpegurl";
/** Apple's players keep so far from the end of the playlist. */
const LIVE_DISTANCE_S = 6;

/** Safari tells the date of the video's time 0. */
interface DatedVideo extends HTMLVideoElement {
  getStartDate?(): Date;
}

export function playsNatively(video: HTMLVideoElement): boolean {
  return video.canPlayType(HLS_TYPE) !== "";
}

/** Plays by the browser itself, which follows content steering on its own; for iPhones without Media Source Extensions. */
export function createNativeSource({
  video,
  path,
  edgeUrls,
  onReady,
}: PictureSourceOptions): PictureSource {
  const dated = video as DatedVideo;
  const stop = new AbortController();
  let edgeUrl: string | undefined;
  let timer: number | undefined;
  let failures = 0;
  let trouble: Trouble | undefined;
  const tryNext = (): void => {
    timer = undefined;
    if (stop.signal.aborted || document.hidden) return;
    edgeUrl = edgeOrder(edgeUrls(), edgeUrl)[0];
    if (edgeUrl === undefined) return fail();
    video.src = edgeUrl + path;
    onReady();
  };
  const fail = (): void => {
    failures++;
    // The element does not tell why.
    trouble = "edges-away";
    timer = window.setTimeout(tryNext, retryDelayMs(failures, edgeUrls().length, Math.random()));
  };
  video.addEventListener("error", fail, stop);
  video.addEventListener(
    "playing",
    () => {
      failures = 0;
      trouble = undefined;
    },
    stop,
  );
  document.addEventListener(
    "visibilitychange",
    () => trouble && timer === undefined && tryNext(),
    stop,
  );
  tryNext();
  return {
    playingMs() {
      const startMs = dated.getStartDate?.().getTime() ?? Number.NaN;
      return video.readyState > 1 && Number.isFinite(startMs)
        ? startMs + video.currentTime * 1_000
        : undefined;
    },
    edge: () => edgeUrl && new URL(edgeUrl).host,
    trouble: () => trouble,
    livePositionS() {
      const { seekable } = video;
      return seekable.length > 0 ? seekable.end(seekable.length - 1) - LIVE_DISTANCE_S : undefined;
    },
    follow() {
      // The browser decides how it stays close to live.
    },
    renew() {
      if (timer === undefined) tryNext();
    },
    [Symbol.dispose]() {
      stop.abort();
      window.clearTimeout(timer);
      video.removeAttribute("src");
      video.load();
    },
  };
}
