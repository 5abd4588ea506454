const CLOCK = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium", hourCycle: "h23" });
const MINUTE_CLOCK = new Intl.DateTimeFormat("en-GB", { timeStyle: "short", hourCycle: "h23" });
const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const DAY_MS = 86_400_000;

/** Unix milliseconds of Unix nanoseconds. */
export function millisecondsOf(unixNano: bigint): number {
  return Number(unixNano / 1_000n) / 1_000;
}

/** Unix nanoseconds of Unix milliseconds. */
export function nanosecondsOf(unixMs: number): bigint {
  return BigInt(Math.round(unixMs)) * 1_000_000n;
}

/** "12:01:07" in local time, with the day when it is not within the last 20 hours. */
export function clock(unixMs: number): string {
  const time = CLOCK.format(unixMs);
  return Math.abs(Date.now() - unixMs) < (DAY_MS * 20) / 24
    ? time
    : `${DAY.format(unixMs)}, ${time}`;
}

/** "12:01:07" in local time, on whatever day. */
export function timeOfDay(unixMs: number): string {
  return CLOCK.format(unixMs);
}

/** "12:01:07.250" in local time. */
export function preciseClock(unixMs: number): string {
  const fraction = String(Math.floor(unixMs) % 1_000).padStart(3, "0");
  return `${CLOCK.format(unixMs)}.${fraction}`;
}

/** "12:01" in local time. */
export function minuteClock(unixMs: number): string {
  return MINUTE_CLOCK.format(unixMs);
}

/** "4 s", "3 min", "2 h 5 min", "3 d 4 h". */
export function ageText(durationMs: number): string {
  const seconds = Math.max(0, Math.floor(durationMs / 1_000));
  if (seconds < 100) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return joined(hours, "h", minutes % 60, "min");
  return joined(Math.floor(hours / 24), "d", hours % 24, "h");
}

function joined(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
}
