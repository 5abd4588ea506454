/** Where the monotonic clock stood when the wall clock was last believed. */
let anchorMs = Date.now() - performance.now();
/** The wall clock was set, or the machine slept: the anchor is taken anew. */
const ANCHOR_TOLERANCE_MS = 20;

/** The wall clock, Unix milliseconds with a resolution of microseconds. */
export function wallClockMs(): number {
  const monotonicMs = performance.now();
  const wallMs = Date.now();
  if (Math.abs(wallMs - (anchorMs + monotonicMs)) > ANCHOR_TOLERANCE_MS)
    anchorMs = wallMs - monotonicMs;
  return anchorMs + monotonicMs;
}
