/** Moments in words. Pure. */

const MINUTE_MS = 60_000;
const UNITS = [
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", MINUTE_MS],
] as const;

const FORMAT = new Intl.DateTimeFormat("en-GB", {
  weekday: "long",
  day: "numeric",
  month: "long",
  hour: "2-digit",
  minute: "2-digit",
  timeZone: "UTC",
});

/** "Monday 23 November at 06:29 UTC, in 23 hours" */
export function momentText(unixMs: number, nowMs: number): string {
  return `${FORMAT.format(unixMs)} UTC, in ${lengthText(unixMs - nowMs)}`;
}

/** "23 hours": whole units, not rounded up. */
export function lengthText(lengthMs: number): string {
  const [unit, unitMs] = UNITS.find(([, each]) => lengthMs >= each) ?? ["minute", MINUTE_MS];
  const count = Math.max(1, Math.floor(lengthMs / unitMs));
  return `${count} ${unit}${count === 1 ? "" : "s"}`;
}
