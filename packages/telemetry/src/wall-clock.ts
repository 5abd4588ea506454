/** Readings of which the best is taken: a process that is stopped between the two clocks reads one too late. */
const READINGS = 8;
/** The wall clock has whole milliseconds. Beyond, it was set, or the machine slept: the anchor is taken anew. */
const ANCHOR_TOLERANCE_MS = 3;

/** Where the monotonic clock stood when the wall clock was last believed. */
let anchorMs = newAnchorMs();

/** What is read too late makes the difference of the clocks too large. */
function newAnchorMs(): number {
  const readings = Array.from({ length: READINGS }, () => {
    const monotonicMs = performance.now();
    return { wallMs: Date.now() - monotonicMs, tookMs: performance.now() - monotonicMs };
  });
  return readings.reduce((best, one) => (one.tookMs < best.tookMs ? one : best)).wallMs;
}

/** The wall clock, Unix milliseconds with a resolution of microseconds. */
export function wallClockMs(): number {
  const monotonicMs = performance.now();
  const wallMs = Date.now();
  if (Math.abs(wallMs - (anchorMs + monotonicMs)) > ANCHOR_TOLERANCE_MS) anchorMs = newAnchorMs();
  return anchorMs + monotonicMs;
}
