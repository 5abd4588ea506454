/** Playlists as a viewer gets them through an edge. */
import { PROBE_USER_AGENT, getAs } from "@glassline/hls/fetch";
import type { MediaPlaylist } from "@glassline/hls/playlist";
import { parsePlaylist } from "@glassline/hls/playlist";
import type { Channel } from "@glassline/proto/origin";
import { messageOf } from "@glassline/service/errors";

import type { PlaylistView } from "../core/judge/channels.ts";
import { UNKNOWN_ORIGIN } from "../core/judge/channels.ts";
import type { Verdict } from "../core/verdict.ts";

const FETCH_TIMEOUT_MS = 2_000;
const probe = getAs(PROBE_USER_AGENT);

/** Nothing that could be done to the edge would help: it is not judged. */
class NotJudged extends Error {}

/** @param url of an edge, without a trailing slash. @returns a verdict when nothing that could be done to the edge would help. */
export async function viewsThrough(
  url: string,
  channels: readonly Channel[],
): Promise<PlaylistView[] | Verdict> {
  try {
    const look = async (channel: Channel): Promise<PlaylistView> => {
      const playlist = await mediaPlaylist(url, channel.path).catch(unlessNotJudged);
      return { channel, playlist };
    };
    return await Promise.all(channels.map(look));
  } catch (error) {
    if (error instanceof NotJudged) return { state: "unknown", output: error.message };
    throw error;
  }
}

/** @returns why there is no playlist. Throws NotJudged. */
function unlessNotJudged(error: unknown): string {
  if (error instanceof NotJudged) throw error;
  return messageOf(error);
}

/** That of the first variant, where the path leads to several. */
export async function mediaPlaylist(url: string, path: string): Promise<MediaPlaylist> {
  const index = await playlistAt(`${url}${path}`);
  if (index.kind === "media") return index;
  const variant = index.variants.find(({ uri }) => uri.startsWith(url)) ?? index.variants[0];
  if (!variant) throw new Error(`${path} offers nothing`);
  const media = await playlistAt(new URL(variant.uri, `${url}${path}`).href);
  if (media.kind !== "media") throw new Error(`${path}: got no media playlist`);
  return media;
}

async function playlistAt(url: string) {
  const { status, body } = await probe(url, AbortSignal.timeout(FETCH_TIMEOUT_MS)).catch(() => {
    // It may be the way that is broken: whether the edge itself is well is told by its own check.
    throw new NotJudged(`no answer at ${new URL(url).origin}`);
  });
  if (status === 502 || status === 504) throw new NotJudged(UNKNOWN_ORIGIN.output);
  if (status !== 200) throw new Error(`${new URL(url).pathname}: status ${status}`);
  return parsePlaylist(new TextDecoder().decode(body));
}
