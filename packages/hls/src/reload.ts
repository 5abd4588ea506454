/** How a live media playlist is asked for again (RFC 8216bis section 6.2.5.2). Pure. */
import type { MediaPlaylist } from "./playlist.ts";

/**
 * The playlist that has what comes behind the last known segment, or the last known part, where the server can wait for it.
 * @param hasParts parts are fetched, too.
 */
export function reloadUrl(
  url: string,
  known: MediaPlaylist | undefined,
  hasParts: boolean,
): string {
  const last = known?.segments.at(-1);
  if (!last || !known?.serverControl?.canBlockReload) return url;
  const reload = new URL(url);
  const { lowLatency } = known;
  reload.searchParams.set("_HLS_msn", `${lowLatency?.open?.sequence ?? last.sequence + 1}`);
  if (hasParts && lowLatency)
    reload.searchParams.set("_HLS_part", `${lowLatency.open?.parts.length ?? 0}`);
  return reload.href;
}
