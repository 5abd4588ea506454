import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { applyDelta, skippableSegments } from "./delta.ts";
import type { MediaPlaylist, Segment } from "./playlist.ts";
import { parsePlaylist } from "./playlist.ts";
import { writeMediaPlaylist } from "./write.ts";

const TARGET_MS = 2_000;
const PART_MS = 500;
const SKIP_MS = 6 * TARGET_MS;

const durations = fc.array(fc.integer({ min: 1, max: TARGET_MS }), {
  minLength: 20,
  maxLength: 40,
});
const stream = fc.record({
  first: fc.nat({ max: 1_000_000_000 }),
  durations,
  breaks: fc.uniqueArray(fc.nat({ max: 40 }), { maxLength: 4 }),
  openParts: fc.nat({ max: 3 }),
});

const partsOf = (sequence: number, count: number) =>
  Array.from({ length: count }, (_, at) => ({
    uri: `a/${sequence}.${at}.m4s`,
    durationMs: PART_MS,
    independent: at === 0,
  }));

/** The segments [from, to) of a stream, with parts near the end, and the beginning of the next one. */
function playlistOf(
  { first, durations, breaks, openParts }: typeof stream extends fc.Arbitrary<infer S> ? S : never,
  from: number,
  to: number,
): MediaPlaylist {
  const segmentAt = (at: number): Segment => ({
    uri: `a/${first + at}.m4s`,
    durationMs: durations[at] ?? TARGET_MS,
    sequence: first + at,
    discontinuitySequence: 7 + breaks.filter((one) => one <= at).length,
    programTimeMs: 1_700_000_000_000 + at * TARGET_MS,
    mapUri: "a/init.mp4",
    ...(at >= to - 2 && { parts: partsOf(first + at, 4) }),
  });
  const { uri: _uri, durationMs: _durationMs, ...next } = segmentAt(to);
  return {
    kind: "media",
    targetDurationMs: TARGET_MS,
    ended: false,
    segments: Array.from({ length: to - from }, (_, at) => segmentAt(from + at)),
    serverControl: {
      canBlockReload: true,
      canSkipUntilMs: SKIP_MS,
      holdBackMs: 3 * TARGET_MS,
      partHoldBackMs: 3 * PART_MS,
    },
    lowLatency: {
      partTargetMs: PART_MS,
      open: openParts > 0 ? { ...next, parts: partsOf(first + to, openParts) } : undefined,
      preloadHint: `a/${first + to}.${openParts}.m4s`,
      renditionReports: [{ uri: "b.m3u8", lastSequence: first + to, lastPart: openParts }],
    },
  };
}

describe("a playlist of low latency", () => {
  test("comes back as it was written, with parts, hint, reports and what the server can do", () => {
    fc.assert(
      fc.property(stream, (all) => {
        const playlist = playlistOf(all, 0, all.durations.length - 1);
        expect(parsePlaylist(writeMediaPlaylist(playlist))).toEqual(playlist);
      }),
    );
  });

  test("has a delta update that makes an older copy whole", () => {
    fc.assert(
      fc.property(stream, fc.nat({ max: 6 }), fc.nat({ max: 3 }), (all, later, removed) => {
        const to = all.durations.length - 1;
        const older = playlistOf(all, 0, to - later);
        const now = playlistOf(all, removed, to);
        const skip = skippableSegments(now);
        const delta = parsePlaylist(writeMediaPlaylist(now, skip)) as MediaPlaylist;
        expect(delta.skippedSegments ?? 0).toBe(skip);
        // Both as they are read: the older copy has no parts where the newer one has them.
        const read = (playlist: MediaPlaylist) =>
          parsePlaylist(writeMediaPlaylist(playlist)) as MediaPlaylist;
        if (older.segments.at(-1)!.sequence < now.segments[0]!.sequence + skip - 1)
          expect(applyDelta(read(older), delta)).toBeUndefined();
        else expect(applyDelta(read(older), delta)).toEqual(read(now));
      }),
    );
  });

  test("leaves out what ends further from the end than the skip boundary, and nothing else", () => {
    fc.assert(
      fc.property(stream, (all) => {
        const playlist = playlistOf(all, 0, all.durations.length - 1);
        const skip = skippableSegments(playlist);
        const behindMs = (at: number) =>
          playlist.segments.slice(at + 1).reduce((sum, { durationMs }) => sum + durationMs, 0);
        if (skip > 0) expect(behindMs(skip - 1)).toBeGreaterThan(SKIP_MS);
        expect(behindMs(skip)).toBeLessThanOrEqual(SKIP_MS);
        expect(skippableSegments({ ...playlist, ended: true })).toBe(0);
        expect(skippableSegments({ ...playlist, serverControl: undefined })).toBe(0);
      }),
    );
  });
});
