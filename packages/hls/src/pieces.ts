/** What a player fetches next of a media playlist: whole segments, or parts of those that are not whole yet. Pure. */
import type { ByteRange } from "./byte-range.ts";
import type { Part } from "./low-latency.ts";
import type { MediaPlaylist, Segment } from "./playlist.ts";

/** The first piece that has not been fetched. */
export interface Position {
  /** Media sequence number. */
  sequence: number;
  /** Index of a part; 0: the whole segment, where there is one. */
  part: number;
}

/** What is fetched at once. */
export interface Piece {
  /** As written: relative to the playlist or absolute. */
  uri: string;
  durationMs: number;
  /** When its first frame was captured, Unix milliseconds. */
  programTimeMs: number | undefined;
  mapUri: string | undefined;
  /** Undefined: the whole resources. */
  byteRange: ByteRange | undefined;
  mapByteRange: ByteRange | undefined;
  isPart: boolean;
  /** The position behind it. */
  next: Position;
}

/** A live player begins so far behind the end (section 6.3.3). */
const HOLD_BACK_TARGET_DURATIONS = 3;
/** One of low latency, where nothing says otherwise (section 4.4.3.8). */
const HOLD_BACK_PARTS = 3;

/**
 * Where a player begins: with a whole segment.
 * @returns undefined: there is none yet.
 */
export function firstPosition(playlist: MediaPlaylist, hasParts: boolean): Position | undefined {
  const { segments, targetDurationMs, lowLatency, serverControl, ended } = playlist;
  const [oldest] = segments;
  if (!oldest) return undefined;
  // What has ended is played from its beginning.
  if (ended) return { sequence: oldest.sequence, part: 0 };
  const parts = hasParts ? lowLatency : undefined;
  const holdBackMs = parts
    ? (serverControl?.partHoldBackMs ?? HOLD_BACK_PARTS * parts.partTargetMs)
    : HOLD_BACK_TARGET_DURATIONS * targetDurationMs;
  let behindMs = parts ? lengthOf(parts.open?.parts ?? []) : 0;
  const from = segments.findLast(({ durationMs }) => (behindMs += durationMs) >= holdBackMs);
  return { sequence: (from ?? oldest).sequence, part: 0 };
}

/** All that is there from a position on, in order. */
export function piecesFrom(
  { segments, lowLatency }: MediaPlaylist,
  position: Position,
  hasParts: boolean,
): Piece[] {
  const whole = segments
    .filter(({ sequence }) => sequence >= position.sequence)
    .flatMap((segment) => piecesOf(segment, position));
  const open = hasParts ? lowLatency?.open : undefined;
  if (!open || open.sequence < position.sequence) return whole;
  return [...whole, ...partsOf(open, open.parts, position)];
}

/** Of a whole segment, or the rest of its parts where the first of them have been fetched; none when they are no longer named. */
function piecesOf(segment: Segment, position: Position): Piece[] {
  const { sequence, uri, durationMs, programTimeMs, mapUri, byteRange, mapByteRange, parts } =
    segment;
  const next = { sequence: sequence + 1, part: 0 };
  const isBegun = sequence === position.sequence && position.part > 0;
  const about = { uri, durationMs, programTimeMs, mapUri, byteRange, mapByteRange };
  if (!isBegun) return [{ ...about, isPart: false, next }];
  const rest = parts ? partsOf(segment, parts, position) : [];
  // Whoever has its last part goes on with the next segment.
  return rest.map((piece, at) => (at === rest.length - 1 ? { ...piece, next } : piece));
}

function partsOf(
  segment: Pick<Segment, "sequence" | "programTimeMs" | "mapUri" | "mapByteRange">,
  parts: readonly Part[],
  position: Position,
): Piece[] {
  const { sequence, programTimeMs, mapUri, mapByteRange } = segment;
  const first = sequence === position.sequence ? position.part : 0;
  return parts.slice(first).map(({ uri, durationMs, byteRange }, at): Piece => {
    const part = first + at;
    const beforeMs = lengthOf(parts.slice(0, part));
    return {
      uri,
      durationMs,
      programTimeMs: programTimeMs === undefined ? undefined : programTimeMs + beforeMs,
      mapUri,
      byteRange,
      mapByteRange,
      isPart: true,
      next: { sequence, part: part + 1 },
    };
  });
}

const lengthOf = (parts: readonly Part[]) =>
  parts.reduce((sum, { durationMs }) => sum + durationMs, 0);
