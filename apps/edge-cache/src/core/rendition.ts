/** What a media playlist says of what comes next, and of what may go. Pure. Source: draft-pantos-hls-rfc8216bis. */
import type { ByteRange } from "@glassline/hls/byte-range";
import { rangeField } from "@glassline/hls/byte-range";
import type { MediaPlaylist } from "@glassline/hls/playlist";

import type { Address } from "./address.ts";
import { withQuery } from "./address.ts";
import type { Addresses } from "./addresses.ts";

/** Of the target duration of parts, each but the last one of a segment has so much at least (section 4.4.4.9). */
const LEAST_OF_PART = 0.85;
/** So far ahead of the last part a player may ask (section 6.2.5.2). */
const ADVANCE_MS = 3_000;
const ADVANCE_PARTS = 3;

export interface Rendition {
  targetMs: number;
  /** Nothing will be added. */
  isEnded: boolean;
  /** Keys of the reloads that wait for the next part, where there are parts, and for the next whole segment (section 6.2.5.2); undefined: the server holds none. */
  next: { part: string; segment: string } | undefined;
  /** Media sequence numbers of the first segment, and of the last one, also of one that is not whole yet. */
  first: number;
  last: number;
  /** Highest index of a part that a player may ask for. */
  lastPart: number;
  /** Key of the part that comes next (EXT-X-PRELOAD-HINT). */
  hint: string | undefined;
  /** The last whole segment, with its initialization section. */
  newest: readonly Named[];
  /** Keys of all that it names. */
  window: ReadonlySet<string>;
  /** Those of parts. */
  parts: ReadonlySet<string>;
  /** Those of which it names ranges (sections 4.4.4.2 and 4.4.4.9). */
  ranged: ReadonlySet<string>;
}

export interface Named {
  key: string;
  /** As the field Range has it; undefined: the whole. */
  range: string | undefined;
}

/** @param resource key of the playlist as it is now; addresses on other servers are left out. */
export function renditionOf(
  playlist: MediaPlaylist,
  resource: string,
  addresses: Addresses,
): Rendition {
  const { segments, lowLatency, ended, serverControl, targetDurationMs } = playlist;
  const open = lowLatency?.open;
  const keysOf = (uris: readonly (string | undefined)[]) =>
    uris.flatMap((uri) =>
      uri === undefined ? [] : (addressBelow(uri, resource, addresses)?.key ?? []),
    );
  const namedOf = (uri: string | undefined, byteRange: ByteRange | undefined): Named[] =>
    keysOf([uri]).map((key) => ({ key, range: byteRange && rangeField(byteRange) }));
  const lastWhole = segments.at(-1);
  const named = [...segments, ...(open ? [open] : [])];
  const ranged = [
    ...segments.map((each) => each.byteRange && each.uri),
    ...named.flatMap((each) => (each.parts ?? []).map((part) => part.byteRange && part.uri)),
    ...named.map((each) => each.mapByteRange && each.mapUri),
    lowLatency?.preloadHintRange && lowLatency.preloadHint,
  ];
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
  const waiting = (query: string) => withQuery(resource, `_HLS_msn=${next}${query}`);
  return {
    targetMs: targetDurationMs,
    isEnded: ended,
    next: canWait ? { part: waiting(part), segment: waiting("") } : undefined,
    first: segments[0]?.sequence ?? last,
    last,
    lastPart: lastPartOf(targetDurationMs, lowLatency?.partTargetMs),
    hint: keysOf([lowLatency?.preloadHint])[0],
    newest: [
      ...namedOf(lastWhole?.mapUri, lastWhole?.mapByteRange),
      ...namedOf(lastWhole?.uri, lastWhole?.byteRange),
    ],
    window: new Set([...whole, ...parts]),
    parts: new Set(parts),
    ranged: new Set(keysOf([...new Set(ranged)])),
  };
}

/** As many as a segment can have, and as many ahead. */
function lastPartOf(targetMs: number, partTargetMs: number | undefined): number {
  if (partTargetMs === undefined) return ADVANCE_PARTS;
  const ofSegment = Math.ceil(targetMs / (LEAST_OF_PART * partTargetMs));
  return ofSegment + Math.max(ADVANCE_PARTS, Math.ceil(ADVANCE_MS / partTargetMs));
}

/**
 * Where that lies which a blocking reload waits for (section 6.2.5.2). "too far": a player that asks for more than two segments ahead, or
 * for a part that no segment has, is wrong, and gets 400. "past": it has left the playlist.
 */
export type Place = "past" | "near" | "too far";

export function placeOf({ first, last, lastPart }: Rendition, { key }: Address): Place {
  const asked = new URLSearchParams(key.slice(key.indexOf("?")));
  const sequence = Number(asked.get("_HLS_msn"));
  if (sequence < first) return "past";
  const isTooFar = sequence > last + 2 || Number(asked.get("_HLS_part")) > lastPart;
  return isTooFar ? "too far" : "near";
}

/** What a URI of a playlist means; undefined for one on another server. */
export function addressBelow(
  uri: string,
  resource: string,
  addresses: Addresses,
): Address | undefined {
  const base = `http://origin${resource}`;
  if (!URL.canParse(uri, base)) return undefined;
  const { host, pathname, search } = new URL(uri, base);
  return host === "origin" ? addresses.read(`${pathname}${search}`) : undefined;
}
