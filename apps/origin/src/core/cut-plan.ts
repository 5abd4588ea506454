/** Where to cut a file into segments and parts, and whether another file has its cuts at the same moments. Pure. */
import { cutPoints } from "./cut-points.ts";
import type { Frame, FrameTimes } from "./frame-times.ts";
import { lowerBound, nearestFrame } from "./frame-times.ts";
import type { LoopPart, LoopSegment, LoopTimeline } from "./loop-timeline.ts";
import { partTargetMs } from "./loop-timeline.ts";

/** A part that is neither independent nor the last of its segment has this share of the part target (section 4.4.4.9). */
const PART_MIN_SHARE = 0.85;
const PART_GROWTH = 1.25;
/** Sums of times that are no whole milliseconds differ by less. */
const ROUNDING_MS = 0.001;

export interface WantedLengths {
  segmentMs: number;
  /** 0: no parts. */
  partMs: number;
}

/** A file whose cuts are not at the moments of another one's: says what was got and what was expected. */
export class CutError extends Error {
  override readonly name = "CutError";
}

/**
 * Cuts segments at keyframes, and parts at frames. Frames of very different lengths make parts that differ too much from
 * each other (section 4.4.4.9): then parts are longer than wanted.
 */
export function planCuts(times: FrameTimes, { segmentMs, partMs }: WantedLengths): LoopTimeline {
  const { frames, lengthMs } = times;
  const keyframesMs = frames.filter(({ isKeyframe }) => isKeyframe).map(({ startMs }) => startMs);
  const starts = cutPoints(keyframesMs, lengthMs, segmentMs);
  const lengths = lengthsOf(starts, lengthMs);
  const withParts = (partsOf: (segment: Length) => LoopPart[]) => ({
    lengthMs,
    segments: lengths.map((segment) => ({ ...segment, parts: partsOf(segment) })),
  });
  if (partMs === 0) return withParts(() => []);
  const longestMs = Math.max(...lengths.map(({ durationMs }) => durationMs));
  for (let eachMs = partMs; eachMs < longestMs; eachMs *= PART_GROWTH) {
    const plans = [alike, inSteps].map((cutsOf) =>
      withParts((segment) => partsAt(frames, cutsOf(segment, eachMs, frames), segment)),
    );
    const legal = plans.find(hasLegalParts);
    if (legal) return legal;
  }
  // One part a segment: the last of a segment may have any length.
  return withParts((segment) => partsAt(frames, [segment.startMs], segment));
}

type Length = Pick<LoopSegment, "startMs" | "durationMs">;

function lengthsOf(starts: readonly number[], endMs: number): Length[] {
  return starts.map((startMs, at) => ({
    startMs,
    durationMs: (starts[at + 1] ?? endMs) - startMs,
  }));
}

/** Parts of a segment that are all about the same. */
function alike({ startMs, durationMs }: Length, partMs: number): number[] {
  const count = Math.max(1, Math.round(durationMs / partMs));
  return Array.from({ length: count }, (_, at) => startMs + (at * durationMs) / count);
}

/** Parts of as many frames as come nearest to the wanted length, and a rest. */
function inSteps(
  { startMs, durationMs }: Length,
  partMs: number,
  frames: readonly Frame[],
): number[] {
  const startOf = (at: number) => frames[at]!.startMs;
  const endMs = startMs + durationMs;
  const first = lowerBound(frames.length, startOf, startMs - ROUNDING_MS);
  const end = lowerBound(frames.length, startOf, endMs - ROUNDING_MS);
  const cuts = [startMs];
  for (let at = first + 1; at < end; at++) {
    const frameEndMs = at + 1 < end ? startOf(at + 1) : endMs;
    const halfFrameMs = (frameEndMs - startOf(at)) / 2;
    if (frameEndMs - cuts.at(-1)! > partMs + halfFrameMs + ROUNDING_MS) cuts.push(startOf(at));
  }
  return cuts;
}

/** Parts that begin at the frames nearest to the given times; two cuts at one frame are one. */
function partsAt(frames: readonly Frame[], cutsMs: readonly number[], segment: Length): LoopPart[] {
  const endMs = segment.startMs + segment.durationMs;
  const starts = new Set(cutsMs.map((cutMs) => nearestFrame(frames, cutMs).startMs));
  const within = [...starts].filter((startMs) => startMs < endMs - ROUNDING_MS);
  return lengthsOf(within, endMs).map((part) => ({
    ...part,
    independent: nearestFrame(frames, part.startMs).isKeyframe,
  }));
}

export function hasLegalParts(timeline: LoopTimeline): boolean {
  const leastMs = PART_MIN_SHARE * partTargetMs(timeline);
  return timeline.segments.every(({ parts }) =>
    parts.every(
      ({ durationMs, independent }, at) =>
        independent || at === parts.length - 1 || durationMs >= leastMs,
    ),
  );
}

/**
 * The cuts of a file that shows the same as another one, at the moments of that one's (section 6.2.4: matching content has
 * matching timestamps).
 * @param like of the other file.
 * @param toleranceMs half a frame. Throws CutError when a cut is further from its moment.
 */
export function alignCuts(
  times: FrameTimes,
  like: LoopTimeline,
  toleranceMs: number,
): LoopTimeline {
  const { frames, lengthMs } = times;
  const keyframes = frames.filter(({ isKeyframe }) => isKeyframe);
  checkNear("it ends", lengthMs, like.lengthMs, toleranceMs);
  const startOf = (among: readonly Frame[], what: string, wantedMs: number) => {
    const { startMs } = nearestFrame(among, wantedMs);
    checkNear(`its ${what} nearest to a cut is`, startMs, wantedMs, toleranceMs);
    return startMs;
  };
  const starts = like.segments.map(({ startMs }) => startOf(keyframes, "keyframe", startMs));
  return {
    lengthMs,
    segments: lengthsOf(starts, lengthMs).map((segment, at) => {
      const cuts = like.segments[at]!.parts.map(({ startMs }) => startOf(frames, "frame", startMs));
      const parts = partsAt(frames, cuts, segment);
      if (parts.length === cuts.length) return { ...segment, parts };
      throw new CutError(
        `segment ${at}: got ${parts.length} parts, expected ${cuts.length}: its frames are too long`,
      );
    }),
  };
}

/** The lengths that all renditions share, with the keyframes of one of them. */
export function withKeyframesOf(shared: LoopTimeline, own: LoopTimeline): LoopTimeline {
  const segments = shared.segments.map((segment, at) => ({
    ...segment,
    parts: segment.parts.map((part, index) => ({
      ...part,
      independent: own.segments[at]!.parts[index]!.independent,
    })),
  }));
  return { ...shared, segments };
}

function checkNear(what: string, gotMs: number, expectedMs: number, toleranceMs: number): void {
  if (Math.abs(gotMs - expectedMs) <= toleranceMs) return;
  const seconds = (timeMs: number) => (timeMs / 1_000).toFixed(3);
  throw new CutError(
    `${what} at ${seconds(gotMs)} s, expected ${seconds(expectedMs)} s, at most ${toleranceMs.toFixed(1)} ms (half a frame) away`,
  );
}
