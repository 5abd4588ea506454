/** How often, and for how long, a picture that had begun stood still for want of data. */
export interface Stalls {
  count: number;
  totalMs: number;
}

/** Fed with what a video element tells; times are of any clock that only goes forward. */
export interface StallMeter {
  /** The picture moves. */
  moves(nowMs: number): void;
  /** It waits for data. */
  waits(nowMs: number): void;
  /** It stands still because somebody wants so: a pause or a seek. */
  rests(nowMs: number): void;
  hasMoved(): boolean;
  isStalled(): boolean;
  stalls(nowMs: number): Stalls;
}

export function createStallMeter(): StallMeter {
  let hasMoved = false;
  let count = 0;
  let pastMs = 0;
  let sinceMs: number | undefined;
  const end = (nowMs: number): void => {
    if (sinceMs !== undefined) pastMs += nowMs - sinceMs;
    sinceMs = undefined;
  };
  return {
    moves(nowMs) {
      hasMoved = true;
      end(nowMs);
    },
    waits(nowMs) {
      // Before the first picture it is loading, not stalled.
      if (!hasMoved || sinceMs !== undefined) return;
      count++;
      sinceMs = nowMs;
    },
    rests: end,
    hasMoved: () => hasMoved,
    isStalled: () => sinceMs !== undefined,
    stalls: (nowMs) => ({ count, totalMs: pastMs + (sinceMs === undefined ? 0 : nowMs - sinceMs) }),
  };
}
