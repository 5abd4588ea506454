/** What a media playlist says of what comes next, and of what may go. Pure. Source: draft-pantos-hls-rfc8216bis. */
import type { MediaPlaylist } from "@glassline/hls/playlist";

import { addressOf } from "./address.ts";

export interface Rendition {
  targetMs: number;
  /** Nothing will be added. */
  isEnded: boolean;
  /** Keys of the reloads that wait for the next part, where there are parts, and for the next whole segment (section 6.2.5.2); undefined: the server holds none. */
  next: { part: string; segment: string } | undefined;
  /** Media sequence number of the last segment, also of one that is not whole yet. */
  last: number;
  /** Key of the part that comes next (EXT-X-PRELOAD-HINT). */
  hint: string | undefined;
  /** Key of the last whole segment, with that of its initialization section. */
  newest: readonly string[];
  /** Keys of all that it names. */
  window: ReadonlySet<string>;
  /** Those of parts. */
  parts: ReadonlySet<string>;
}

/** @param path of the playlist; addresses on other servers are left out. */
export function renditionOf(playlist: MediaPlaylist, path: string): Rendition {
  const { segments, lowLatency, ended, serverControl, targetDurationMs } = playlist;
  const open = lowLatency?.open;
  const keysOf = (uris: readonly (string | undefined)[]) =>
    uris.flatMap((uri) => (uri === undefined ? [] : (keyBelow(uri, path) ?? [])));
  const lastWhole = segments.at(-1);
  const parts = keysOf([
    ...segments.flatMap((segment) => segment.parts ?? []).map(({ uri }) => uri),
    ...(open?.parts ?? []).map(({ uri }) => uri),
    lowLatency?.preloadHint,
  ]);
  const whole = keysOf(segments.flatMap(({ uri, mapUri }) => [uri, mapUri]));
  const last = open?.sequence ?? lastWhole?.sequence ?? 0;
  const next = open ? open.sequence : last + 1;
  const part = lowLatency ? `&_HLS_part=${open?.parts.length ?? 0}` : "";
  const canWait = !ended && serverControl?.canBlockReload === true;
  const waiting = (query: string) => addressOf(`${path}?_HLS_msn=${next}${query}`)?.key ?? path;
  return {
    targetMs: targetDurationMs,
    isEnded: ended,
    next: canWait ? { part: waiting(part), segment: waiting("") } : undefined,
    last,
    hint: keysOf([lowLatency?.preloadHint])[0],
    newest: keysOf([lastWhole?.mapUri, lastWhole?.uri]),
    window: new Set([...whole, ...parts]),
    parts: new Set(parts),
  };
}

/** A player that asks for more than two segments ahead is wrong, and gets 400 (section 6.2.5.2). */
export const isTooFar = ({ last }: Rendition, sequence: number): boolean => sequence > last + 2;

/** The key of a relative address; undefined for one on another server. */
export function keyBelow(uri: string, path: string): string | undefined {
  const base = `http://origin${path}`;
  if (!URL.canParse(uri, base)) return undefined;
  const { host, pathname, search } = new URL(uri, base);
  return host === "origin" ? addressOf(`${pathname}${search}`)?.key : undefined;
}
