import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { cutPoints } from "./cut-points.ts";
import {
  firstCountedPass,
  newestSequence,
  partOf,
  segmentStartMs,
  windowAt,
} from "./loop-timeline.ts";
import { pushedExtension, withinChannel } from "./push-path.ts";

/** Parts that fill a loop. */
const timeline = fc
  .array(fc.integer({ min: 1, max: 5_000 }), { minLength: 1, maxLength: 12 })
  .map((durations) => {
    let startMs = 0;
    const parts = durations.map((durationMs) => {
      const part = { startMs, durationMs };
      startMs += durationMs;
      return part;
    });
    return { parts, lengthMs: startMs };
  });
const moment = fc.integer({ min: 1_700_000_000_000, max: 1_900_000_000_000 });

describe("a loop as a live stream", () => {
  test("has a segment from the moment on that its last frame is captured", () => {
    fc.assert(
      fc.property(timeline, moment, (loop, nowMs) => {
        const newest = newestSequence(loop, nowMs);
        const endMs = (sequence: number) =>
          segmentStartMs(loop, sequence) + loop.parts[partOf(loop, sequence)]!.durationMs;
        expect(endMs(newest)).toBeLessThanOrEqual(nowMs);
        expect(endMs(newest + 1)).toBeGreaterThan(nowMs);
      }),
    );
  });

  test("has no gap and no overlap, and each pass is a discontinuity", () => {
    fc.assert(
      fc.property(timeline, moment, (loop, nowMs) => {
        const segments = windowAt(loop, nowMs, 8);
        segments.forEach((segment, at) => {
          const next = segments[at + 1];
          if (!next) return;
          expect(next.sequence).toBe(segment.sequence + 1);
          expect(next.programTimeMs).toBe(segment.programTimeMs! + segment.durationMs);
          expect(next.discontinuitySequence - segment.discontinuitySequence).toBe(
            partOf(loop, next.sequence) === 0 ? 1 : 0,
          );
        });
      }),
    );
  });

  test("counts its discontinuities from the quarter of the year in which it started", () => {
    const loop = { parts: [{ startMs: 0, durationMs: 12_000 }], lengthMs: 12_000 };
    const [morning, evening] = [Date.UTC(2026, 10, 21, 1), Date.UTC(2026, 10, 21, 23)];
    const from = firstCountedPass(loop, morning);
    expect(firstCountedPass(loop, evening)).toBe(from);
    const first = windowAt(loop, morning, 8, from)[0]!.discontinuitySequence;
    expect(first).toBeGreaterThan(0);
    expect(first).toBeLessThan((92 * 86_400_000) / loop.lengthMs);
  });

  test("never takes a number or a time of a segment back", () => {
    fc.assert(
      fc.property(timeline, moment, fc.nat({ max: 60_000 }), (loop, nowMs, laterMs) => {
        const before = new Map(
          windowAt(loop, nowMs, 6).map((segment) => [segment.sequence, segment]),
        );
        for (const segment of windowAt(loop, nowMs + laterMs, 6)) {
          const known = before.get(segment.sequence);
          if (known) expect(segment).toEqual(known);
        }
      }),
    );
  });
});

test("cuts lie on keyframes and make pieces that are alike", () => {
  const keyframes = Array.from({ length: 46 }, (_, at) => at * 267);
  const cuts = cutPoints(keyframes, 12_079, 2_000);
  expect(cuts).toHaveLength(6);
  expect(cuts.every((cut) => keyframes.includes(cut))).toBe(true);
  const lengths = cuts.map((cut, at) => (cuts[at + 1] ?? 12_079) - cut);
  expect(Math.max(...lengths) - Math.min(...lengths)).toBeLessThanOrEqual(300);
  expect(cutPoints([0], 9_000, 2_000)).toEqual([0]);
});

describe("pushed names", () => {
  test.each(["index.m3u8", "video_0/seg-12.m4s", "a/b/c/d.ts"])("%s is accepted", (name) => {
    expect(pushedExtension(name)).toBeDefined();
  });
  test.each([
    "",
    "../x.m4s",
    "a/../x.m4s",
    "/x.m4s",
    ".hidden.ts",
    "x.exe",
    "a//b.ts",
    "x.m4s?y",
    "constructor",
    "a/b/c/d/e.ts",
  ])("%s is refused", (name) => {
    expect(pushedExtension(name)).toBeUndefined();
  });

  test.each([
    ["seg.m4s", "video/list.m3u8", "video/seg.m4s"],
    ["../init.mp4?x=1", "video/list.m3u8", "init.mp4"],
    ["http://169.254.169.254/x.m4s", "list.m3u8", undefined],
    ["//evil/x.m4s", "list.m3u8", undefined],
    ["/other/x.m4s", "list.m3u8", undefined],
    ["../../x.m4s", "video/list.m3u8", undefined],
    ["data:video/mp4,x.mp4", "list.m3u8", undefined],
  ])("the address %s in %s means %s", (uri, from, expected) => {
    expect(withinChannel(uri, from)).toBe(expected);
  });
});
