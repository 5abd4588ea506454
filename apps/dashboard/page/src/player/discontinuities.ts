import type Hls from "hls.js";
import type {
  LoaderCallbacks,
  LoaderConfiguration,
  PlaylistLoaderConstructor,
  PlaylistLoaderContext,
} from "hls.js";

const SEQUENCE = /^#EXT-X-DISCONTINUITY-SEQUENCE:(\d+)/m;

/** The number of a media playlist's first discontinuity (RFC 8216, section 4.3.3.3); undefined: it gives none. */
export function discontinuitySequence(playlist: string): number | undefined {
  const digits = SEQUENCE.exec(playlist)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** The playlist with its discontinuities counted from `first` on. */
export function countedFrom(first: number, playlist: string): string {
  return playlist.replace(
    SEQUENCE,
    (_line, digits: string) =>
      `#EXT-X-DISCONTINUITY-SEQUENCE:${Math.max(0, Number(digits) - first)}`,
  );
}

/**
 * Loads playlists with discontinuities counted from the first one seen. A channel that loops a file has had millions, and
 * hls.js keeps an array by their number that it walks at every playlist and segment: for seconds, with all else standing still.
 */
export function playlistLoader({ DefaultConfig }: typeof Hls): PlaylistLoaderConstructor {
  const Loader = DefaultConfig.loader as PlaylistLoaderConstructor;
  let first: number | undefined;
  return class extends Loader {
    override load(
      context: PlaylistLoaderContext,
      configuration: LoaderConfiguration,
      callbacks: LoaderCallbacks<PlaylistLoaderContext>,
    ): void {
      const onSuccess: typeof callbacks.onSuccess = (response, stats, loaded, details) => {
        if (typeof response.data === "string") {
          first ??= discontinuitySequence(response.data);
          response.data = countedFrom(first ?? 0, response.data);
        }
        callbacks.onSuccess(response, stats, loaded, details);
      };
      super.load(context, configuration, { ...callbacks, onSuccess });
    }
  };
}
