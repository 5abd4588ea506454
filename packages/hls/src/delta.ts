/** Delta updates: playlists without the segments that a player knows already. Pure. Source: RFC 8216bis section 6.2.5.1. */
import type { MediaPlaylist, Segment } from "./playlist.ts";

/**
 * How many of a playlist's oldest segments a delta update leaves out: those that end further from the end of the last
 * segment than the skip boundary (section 6.2.5.1). 0: the server offers none, or all are needed.
 */
export function skippableSegments({ segments, serverControl, ended }: MediaPlaylist): number {
  const boundaryMs = serverControl?.canSkipUntilMs;
  // The directive is ignored once nothing is added any more.
  if (boundaryMs === undefined || ended) return 0;
  let behindMs = 0;
  const lastSkipped = segments.findLastIndex(({ durationMs }) => {
    const isFar = behindMs > boundaryMs;
    behindMs += durationMs;
    return isFar;
  });
  return lastSkipped + 1;
}

/**
 * The whole playlist that a delta update stands for, with what was left out taken from an older copy.
 * @returns undefined: the copy is too old; the whole playlist has to be loaded (section 6.3.7).
 */
export function applyDelta(older: MediaPlaylist, delta: MediaPlaylist): MediaPlaylist | undefined {
  const { skippedSegments = 0, segments, lowLatency, ...rest } = delta;
  if (skippedSegments === 0) return delta;
  const next = segments[0]?.sequence ?? lowLatency?.open?.sequence;
  if (next === undefined) return undefined;
  const known = older.segments.filter(
    ({ sequence }) => sequence >= next - skippedSegments && sequence < next,
  );
  const [first, last] = [known[0], known.at(-1)];
  if (known.length !== skippedSegments || !first || !last) return undefined;
  const carry = carriedFrom(first, last);
  return {
    ...rest,
    segments: [...withoutOldParts(known), ...segments.map(carry)],
    ...(lowLatency && {
      lowLatency: { ...lowLatency, open: lowLatency.open && carry(lowLatency.open) },
    }),
  };
}

/** Discontinuities and initialization sections that were left out hold for what follows them. */
function carriedFrom(first: Segment, last: Segment) {
  const leftOut = last.discontinuitySequence - first.discontinuitySequence;
  return <S extends Pick<Segment, "discontinuitySequence" | "mapUri" | "mapByteRange">>(
    segment: S,
  ): S => ({
    ...segment,
    discontinuitySequence: segment.discontinuitySequence + leftOut,
    mapUri: segment.mapUri ?? last.mapUri,
    mapByteRange: segment.mapUri === undefined ? last.mapByteRange : segment.mapByteRange,
  });
}

/** Parts are named near the end of a playlist only. */
function withoutOldParts(segments: readonly Segment[]): Segment[] {
  return segments.map(({ parts: _parts, ...segment }) => segment);
}
