/** What a player can play: the variants of a multivariant playlist, or one media playlist on several servers. Pure. */
import type { Playlist } from "./playlist.ts";

export interface PlayableVariant {
  pathway: string;
  url: string;
  /** Bits a second; 0: nobody says. */
  bandwidth: number;
}

/**
 * @param url of the playlist.
 * @param urls of the same channel on several servers: of a media playlist each is a pathway.
 */
export function variantsOf(
  playlist: Playlist,
  url: string,
  urls: readonly string[],
): PlayableVariant[] {
  if (playlist.kind === "media")
    return urls.map((each) => ({ pathway: new URL(each).host, url: each, bandwidth: 0 }));
  return playlist.variants.map(({ pathwayId, uri, bandwidth }) => ({
    pathway: pathwayId,
    url: new URL(uri, url).href,
    bandwidth,
  }));
}
