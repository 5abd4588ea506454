/** Files for tests: frames of many lengths, keyframes here and there. */
import fc from "fast-check";

import { planCuts } from "./cut-plan.ts";
import type { FrameTimes } from "./frame-times.ts";

/** Frames one after another; `lengths` are those of some, in turn. */
export function framesOf(
  count: number,
  lengths: readonly number[],
  keyframeEvery: number,
): FrameTimes {
  let startMs = 0;
  const frames = Array.from({ length: count }, (_, at) => {
    const frame = { startMs, isKeyframe: at % keyframeEvery === 0 };
    startMs += lengths[at % lengths.length]!;
    return frame;
  });
  return { frames, lengthMs: startMs };
}

export const frameTimes = fc
  .record({
    count: fc.integer({ min: 2, max: 600 }),
    lengths: fc.array(fc.double({ min: 8, max: 80, noNaN: true }), { minLength: 1, maxLength: 5 }),
    keyframeEvery: fc.integer({ min: 1, max: 90 }),
  })
  .map(({ count, lengths, keyframeEvery }) => framesOf(count, lengths, keyframeEvery));

export const wantedLengths = fc
  .record({
    segmentMs: fc.integer({ min: 500, max: 6_000 }),
    share: fc.double({ min: 0.05, max: 1, noNaN: true }),
  })
  .map(({ segmentMs, share }) => ({ segmentMs, partMs: Math.max(100, segmentMs * share) }));

/** Loops of low latency. */
export const timelines = fc
  .tuple(frameTimes, wantedLengths)
  .map(([times, lengths]) => planCuts(times, lengths));

export const moments = fc.integer({ min: 1_700_000_000_000, max: 1_900_000_000_000 });
