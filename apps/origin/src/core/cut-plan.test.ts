import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { alignCuts, hasLegalParts, planCuts, withKeyframesOf } from "./cut-plan.ts";
import { partTargetMs } from "./loop-timeline.ts";
import { frameTimes, framesOf, wantedLengths } from "./timelines.testing.ts";

/** 25 frames a second, a keyframe every 2 s. */
const CARD = framesOf(500, [40], 50);
const LENGTHS = { segmentMs: 2_000, partMs: 500 };

describe("cuts", () => {
  test("make segments that fill the file and parts that fill segments, none too long or too short", () => {
    fc.assert(
      fc.property(frameTimes, wantedLengths, (times, lengths) => {
        const plan = planCuts(times, lengths);
        const starts = new Map(times.frames.map((frame) => [frame.startMs, frame]));
        let atMs = 0;
        for (const segment of plan.segments) {
          expect(segment.startMs).toBeCloseTo(atMs, 6);
          expect(starts.get(segment.startMs)?.isKeyframe).toBe(true);
          expect(segment.parts[0]?.independent).toBe(true);
          let partAtMs = segment.startMs;
          for (const part of segment.parts) {
            expect(part.startMs).toBeCloseTo(partAtMs, 6);
            // No frame is shorter.
            expect(part.durationMs).toBeGreaterThan(7.9);
            expect(starts.get(part.startMs)?.isKeyframe).toBe(part.independent);
            partAtMs = part.startMs + part.durationMs;
          }
          expect(partAtMs).toBeCloseTo(segment.startMs + segment.durationMs, 6);
          atMs = segment.startMs + segment.durationMs;
        }
        expect(atMs).toBeCloseTo(times.lengthMs, 6);
        expect(hasLegalParts(plan)).toBe(true);
      }),
    );
  });

  test("make parts of about the wanted length, all alike where that can be", () => {
    const { segments } = planCuts(CARD, LENGTHS);
    expect(segments).toHaveLength(10);
    expect(segments[3]!.parts.map(({ durationMs }) => durationMs)).toEqual([480, 520, 480, 520]);
    expect(segments[3]!.parts.map(({ independent }) => independent)).toEqual([
      true,
      false,
      false,
      false,
    ]);
  });

  test("make equal parts and a rest where parts that are alike would differ too much", () => {
    // 100 ms are two frames and a half: 80 and 120 ms by turns.
    const lengths = (partMs: number) =>
      planCuts(CARD, { segmentMs: 2_000, partMs }).segments[0]!.parts.map(
        ({ durationMs }) => durationMs,
      );
    expect(lengths(100)).toEqual([...Array.from({ length: 16 }, () => 120), 80]);
    expect(lengths(90)).toEqual(Array.from({ length: 25 }, () => 80));
  });

  test("make longer parts where frames differ too much", () => {
    const plan = planCuts(framesOf(300, [10, 90, 20], 30), { segmentMs: 1_200, partMs: 100 });
    expect(partTargetMs(plan)).toBeGreaterThan(100);
    expect(hasLegalParts(plan)).toBe(true);
  });

  test("make no parts when none are wanted", () => {
    const { segments } = planCuts(CARD, { segmentMs: 2_000, partMs: 0 });
    expect(segments.every(({ parts }) => parts.length === 0)).toBe(true);
  });
});

describe("a second file of the same content", () => {
  const plan = planCuts(CARD, LENGTHS);

  test("is cut at the same moments, also when its frames are a little off", () => {
    const shifted = {
      ...CARD,
      frames: CARD.frames.map((frame, at) => ({
        ...frame,
        startMs: at === 0 ? 0 : frame.startMs + 15,
      })),
    };
    const like = alignCuts(shifted, plan, 20);
    expect(like.segments.map(({ parts }) => parts.length)).toEqual(
      plan.segments.map(({ parts }) => parts.length),
    );
    for (const [at, { startMs }] of like.segments.entries())
      expect(Math.abs(startMs - plan.segments[at]!.startMs)).toBeLessThanOrEqual(20);
  });

  test("keeps its own keyframes on the shared times", () => {
    const allKeyframes = framesOf(500, [40], 1);
    const shared = withKeyframesOf(plan, alignCuts(allKeyframes, plan, 20));
    expect(shared.segments[0]!.parts.every(({ independent }) => independent)).toBe(true);
    expect(shared.segments[0]!.parts[1]!.startMs).toBe(plan.segments[0]!.parts[1]!.startMs);
  });

  test.each([
    ["lasts longer", framesOf(501, [40], 50), /it ends at 20\.040 s, expected 20\.000 s/],
    [
      "has other keyframes",
      framesOf(500, [40], 60),
      /keyframe nearest to a cut is at 2\.400 s, expected 2\.000 s, at most 20\.0 ms \(half a frame\) away/,
    ],
    [
      "has longer frames",
      framesOf(50, [400], 5),
      /frame nearest to a cut is at 0\.400 s, expected 0\.480 s/,
    ],
  ])("is refused when it %s", (_what, times, reason) => {
    expect(() => alignCuts(times, plan, 20)).toThrow(reason);
  });
});
