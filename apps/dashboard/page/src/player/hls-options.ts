import type { HlsConfig, LoaderConfig, RetryConfig } from "hls.js";

const ONE_RETRY: RetryConfig = { maxNumRetry: 1, retryDelayMs: 250, maxRetryDelayMs: 250 };

/** An edge that gives no answer within these times is left: what is buffered bridges them. */
const PLAYLIST: LoaderConfig = {
  maxTimeToFirstByteMs: 3_000,
  maxLoadTimeMs: 5_000,
  timeoutRetry: null,
  errorRetry: ONE_RETRY,
};
const SEGMENT: LoaderConfig = {
  maxTimeToFirstByteMs: 4_000,
  maxLoadTimeMs: 12_000,
  timeoutRetry: null,
  errorRetry: ONE_RETRY,
};
/** Whoever begins asks the next edge instead of the same one again. */
const BEGINNING: LoaderConfig = { ...PLAYLIST, timeoutRetry: null, errorRetry: null };

/** Distance from live, in segments. */
export const LIVE_SYNC_SEGMENTS = 2.5;
/** A picture that follows live jumps there when it is so many segments behind. */
export const FOLLOW_MAX_SEGMENTS = 6;
export const CATCH_UP_RATE = 1.05;
const BACK_BUFFER_S = 120;

/** One viewer of one channel; edges count it by its session, whichever of them it plays from. */
export function hlsOptions(sessionId: string, contentId: string): Partial<HlsConfig> {
  return {
    // The content security policy has no room for workers made of strings.
    enableWorker: false,
    liveSyncDurationCount: LIVE_SYNC_SEGMENTS,
    liveMaxLatencyDurationCount: FOLLOW_MAX_SEGMENTS,
    maxLiveSyncPlaybackRate: CATCH_UP_RATE,
    // Makes the seekable range that of the playlist.
    liveDurationInfinity: true,
    backBufferLength: BACK_BUFFER_S,
    manifestLoadPolicy: { default: BEGINNING },
    playlistLoadPolicy: { default: PLAYLIST },
    fragLoadPolicy: { default: SEGMENT },
    steeringManifestLoadPolicy: { default: BEGINNING },
    cmcd: { sessionId, contentId, useHeaders: false },
  };
}
