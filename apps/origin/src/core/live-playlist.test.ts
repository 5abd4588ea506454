import { applyDelta, skippableSegments } from "@glassline/hls/delta";
import type { MediaPlaylist } from "@glassline/hls/playlist";
import { parsePlaylist } from "@glassline/hls/playlist";
import { writeMediaPlaylist } from "@glassline/hls/write";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { exists, lastPart, liveEnd, nextPart } from "./live-end.ts";
import { playlistAt } from "./live-playlist.ts";
import type { LoopTimeline } from "./loop-timeline.ts";
import {
  firstCountedPass,
  indexOf,
  partEndMs,
  segmentAt,
  segmentEndMs,
  segmentStartMs,
} from "./loop-timeline.ts";
import { brokenRules } from "./playlist-rules.testing.ts";
import { moments, timelines } from "./timelines.testing.ts";

const NAMES = {
  init: "d/init.mp4",
  segment: (sequence: number) => `d/${sequence}.m4s`,
  part: (sequence: number, part: number) => `d/${sequence}.${part}.m4s`,
};
const laterMs = fc.nat({ max: 20_000 });

/** As a player reads it. */
function read(loop: LoopTimeline, nowMs: number, isDelta = false): MediaPlaylist {
  const options = { names: NAMES, countedFrom: firstCountedPass(loop, nowMs), others: ["b.m3u8"] };
  const playlist = playlistAt(loop, liveEnd(loop, nowMs), options);
  const skip = isDelta ? skippableSegments(playlist) : 0;
  return parsePlaylist(writeMediaPlaylist(playlist, skip)) as MediaPlaylist;
}

/** URIs of all parts that are named, in order. */
function partsIn({ segments, lowLatency }: MediaPlaylist): string[] {
  const open = lowLatency?.open ? [lowLatency.open] : [];
  return [...segments, ...open].flatMap(({ parts = [] }) => parts.map(({ uri }) => uri));
}

describe("the end of a loop as a live stream", () => {
  test("has a segment, and a part, from the moment on that its last frame is captured", () => {
    fc.assert(
      fc.property(timelines, moments, (loop, nowMs) => {
        const end = liveEnd(loop, nowMs);
        // A millisecond's fraction is lost in numbers as large as the time since 1970.
        expect(segmentEndMs(loop, end.newest)).toBeLessThanOrEqual(nowMs + 0.001);
        expect(segmentEndMs(loop, end.newest + 1)).toBeGreaterThan(nowMs - 0.001);
        const next = nextPart(end);
        expect(partEndMs(loop, next.sequence, next.part)).toBeGreaterThan(nowMs - 0.001);
        const last = lastPart(loop, end);
        expect(partEndMs(loop, last.sequence, last.part)).toBeLessThanOrEqual(nowMs + 0.001);
        expect(exists(end, last)).toBe(true);
        expect(exists(end, next)).toBe(false);
      }),
    );
  });

  test("counts its discontinuities from the quarter of the year in which it started", () => {
    const loop = { segments: [{ startMs: 0, durationMs: 12_000, parts: [] }], lengthMs: 12_000 };
    const [morning, evening] = [Date.UTC(2026, 10, 21, 1), Date.UTC(2026, 10, 21, 23)];
    const countedFrom = firstCountedPass(loop, morning);
    expect(firstCountedPass(loop, evening)).toBe(countedFrom);
    const options = { names: NAMES, countedFrom, others: [] };
    const [first] = playlistAt(loop, liveEnd(loop, morning), options).segments;
    expect(first!.discontinuitySequence).toBeGreaterThan(0);
    expect(first!.discontinuitySequence).toBeLessThan((92 * 86_400_000) / loop.lengthMs);
  });
});

describe("the playlist of a loop", () => {
  test("breaks no rule of the standard at any moment", () => {
    fc.assert(
      fc.property(timelines, moments, (loop, nowMs) => {
        expect(brokenRules(read(loop, nowMs))).toEqual([]);
      }),
    );
  });

  test("has no gap and no overlap, and each pass is a discontinuity", () => {
    fc.assert(
      fc.property(timelines, moments, (loop, nowMs) => {
        const { segments } = playlistAt(loop, liveEnd(loop, nowMs), {
          names: NAMES,
          countedFrom: 0,
          others: [],
        });
        segments.forEach((segment, at) => {
          const next = segments[at + 1];
          expect(segment.programTimeMs).toBe(segmentStartMs(loop, segment.sequence));
          if (!next) return;
          expect(next.programTimeMs!).toBeCloseTo(segment.programTimeMs! + segment.durationMs, 2);
          expect(next.discontinuitySequence - segment.discontinuitySequence).toBe(
            indexOf(loop, next.sequence) === 0 ? 1 : 0,
          );
        });
      }),
    );
  });

  test("takes nothing back: what was named stays as it was, and goes in order", () => {
    fc.assert(
      fc.property(timelines, moments, laterMs, (loop, nowMs, passedMs) => {
        const [before, after] = [read(loop, nowMs), read(loop, nowMs + passedMs)];
        const known = new Map(before.segments.map((one) => [one.sequence, one]));
        for (const segment of after.segments) {
          const same = known.get(segment.sequence) ?? segment;
          // Parts leave before their segment does.
          expect({ ...segment, parts: undefined }).toEqual({ ...same, parts: undefined });
        }
        expect(after.segments[0]!.sequence).toBeGreaterThanOrEqual(before.segments[0]!.sequence);
        const [old, now] = [partsIn(before), partsIn(after)];
        // Parts leave at the front and come at the end.
        const from = old.indexOf(now[0]!);
        if (from >= 0) expect(now.slice(0, old.length - from)).toEqual(old.slice(from));
      }),
    );
  });

  test("hints at the part that comes next", () => {
    fc.assert(
      fc.property(timelines, moments, (loop, nowMs) => {
        const before = read(loop, nowMs);
        const { sequence, part } = nextPart(liveEnd(loop, nowMs));
        const after = read(loop, Math.ceil(partEndMs(loop, sequence, part)) + 1);
        const known = partsIn(before);
        const fresh = partsIn(after).slice(partsIn(after).indexOf(known.at(-1)!) + 1);
        expect(fresh[0]).toBe(before.lowLatency!.preloadHint);
      }),
    );
  });

  test("tells of the other renditions, which are as far", () => {
    fc.assert(
      fc.property(timelines, moments, (loop, nowMs) => {
        const playlist = read(loop, nowMs);
        const [report] = playlist.lowLatency!.renditionReports;
        expect(partsIn(playlist).at(-1)).toBe(NAMES.part(report!.lastSequence, report!.lastPart!));
      }),
    );
  });

  test("has a delta update that makes a copy whole which is no older than half the skip boundary", () => {
    fc.assert(
      fc.property(
        timelines,
        moments,
        fc.double({ min: 0, max: 0.5, noNaN: true }),
        (loop, nowMs, age) => {
          const full = read(loop, nowMs);
          const agedMs = Math.floor(age * full.serverControl!.canSkipUntilMs!);
          const older = read(loop, nowMs - agedMs);
          expect(applyDelta(older, read(loop, nowMs, true))).toEqual(full);
        },
      ),
    );
  });

  test("is one of segments only when there are no parts", () => {
    const loop = { segments: [{ startMs: 0, durationMs: 2_000, parts: [] }], lengthMs: 2_000 };
    const playlist = read(loop, 1_800_000_000_000);
    expect(playlist.lowLatency).toBeUndefined();
    expect(playlist.serverControl).toBeUndefined();
    expect(playlist.segments).toHaveLength(8);
    expect(segmentAt(loop, playlist.segments[0]!.sequence).durationMs).toBe(2_000);
  });
});
