import type Hls from "hls.js";

import { playlistLoader } from "./discontinuities.ts";
import { edgeOrder, retryDelayMs } from "./edge-order.ts";
import { type HlsConnection, openConnection } from "./hls-connection.ts";
import { CATCH_UP_RATE, FOLLOW_MAX_SEGMENTS, hlsOptions } from "./hls-options.ts";
import type { PictureSource, PictureSourceOptions, Trouble } from "./picture-source.ts";

/**
 * Plays by hls.js. When a connection cannot go on, others are tried for ever while the page is visible; the old one keeps
 * the video element, with what it has buffered, until a new one has something to play.
 */
export function createHlsSource(
  HlsPlayer: typeof Hls,
  { video, path, contentId, edgeUrls, onReady }: PictureSourceOptions,
): PictureSource {
  const options = {
    ...hlsOptions(randomId(), contentId),
    pLoader: playlistLoader(HlsPlayer),
  };
  const stop = new AbortController();
  let current: HlsConnection | undefined;
  let next: HlsConnection | undefined;
  let timer: number | undefined;
  let failures = 0;
  let failedUrl: string | undefined;
  let trouble: Trouble | undefined;

  const tryLater = (): void => {
    window.clearTimeout(timer);
    timer = window.setTimeout(tryNext, retryDelayMs(failures, edgeUrls().length, Math.random()));
  };
  const tryNext = (): void => {
    timer = undefined;
    if (stop.signal.aborted || document.hidden || next) return;
    const edgeUrl = edgeOrder(edgeUrls(), failedUrl)[0];
    if (edgeUrl === undefined) return fail("edges-away");
    next = openConnection(HlsPlayer, edgeUrl + path, options, {
      onReady: take,
      // Not before: an edge may have playlists and no segments.
      onBuffered: (connection) => {
        if (connection === current) failures = 0;
      },
      onFail(connection, what) {
        failedUrl = connection.newestUrl();
        if (connection === next) drop();
        fail(what);
      },
    });
  };
  const fail = (what: Trouble): void => {
    failures++;
    trouble = what;
    if (!next) tryLater();
  };
  const drop = (): void => {
    next?.[Symbol.dispose]();
    next = undefined;
  };
  const take = (connection: HlsConnection): void => {
    if (connection !== next) return;
    next = undefined;
    current?.[Symbol.dispose]();
    current = connection;
    trouble = undefined;
    connection.hls.attachMedia(video);
    onReady();
  };

  // Nobody looks at a hidden page: it tries again when it is looked at.
  document.addEventListener(
    "visibilitychange",
    () => (trouble || !current) && timer === undefined && tryNext(),
    stop,
  );
  tryNext();
  return {
    playingMs: () => (video.readyState > 1 ? current?.hls.playingDate?.getTime() : undefined),
    edge: () => current?.edge(),
    trouble: () => trouble,
    livePositionS: () => current?.hls.liveSyncPosition ?? undefined,
    follow(live) {
      // Of the connection in use only: one that begins anew begins at live.
      if (!current) return;
      const { config } = current.hls;
      config.liveMaxLatencyDurationCount = live ? FOLLOW_MAX_SEGMENTS : Infinity;
      config.maxLiveSyncPlaybackRate = live ? CATCH_UP_RATE : 1;
    },
    renew() {
      if (timer === undefined) tryNext();
    },
    [Symbol.dispose]() {
      stop.abort();
      window.clearTimeout(timer);
      drop();
      current?.[Symbol.dispose]();
    },
  };
}

/** As CMCD's session id. crypto.randomUUID() is missing where a page is served without TLS. */
function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
