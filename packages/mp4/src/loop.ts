/**
 * A recording that is played again and again. Its passes begin at multiples of its length since 1970, so whoever knows the
 * file and the clock knows the moment in the loop: picture and telemetry of one recording need no other agreement.
 */

/** Number of the pass that is under way at a time (Unix milliseconds). */
export function passAt(lengthMs: number, timeMs: number): number {
  return Math.floor(timeMs / lengthMs);
}

/** When a pass begins, Unix milliseconds (not always whole). */
export function passStartMs(lengthMs: number, pass: number): number {
  return pass * lengthMs;
}
