/** When the frames of a file begin. Pure. */

export interface Frame {
  /** From the beginning of the file. */
  startMs: number;
  isKeyframe: boolean;
}

export interface FrameTimes {
  /** In order; the first is a keyframe. */
  frames: readonly Frame[];
  lengthMs: number;
}

/** Index of the first that is not before a time; their number when all are. */
export function lowerBound(count: number, startMs: (at: number) => number, timeMs: number): number {
  let [from, to] = [0, count];
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (startMs(middle) < timeMs) from = middle + 1;
    else to = middle;
  }
  return from;
}

/** The frame whose beginning is nearest to a time. */
export function nearestFrame(frames: readonly Frame[], timeMs: number): Frame {
  const at = lowerBound(frames.length, (index) => frames[index]!.startMs, timeMs);
  const [before, after] = [frames[at - 1], frames[at]];
  if (!before) return after!;
  if (!after) return before;
  return after.startMs - timeMs < timeMs - before.startMs ? after : before;
}
