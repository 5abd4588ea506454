import { nanosecondsOf } from "../format/time.ts";

/** What the charts show: the last so many milliseconds, or a fixed stretch of time that was selected. */
export type TimeWindow =
  | { kind: "live"; durationMs: number }
  | { kind: "fixed"; fromMs: number; toMs: number };

export interface TimeRange {
  fromMs: number;
  toMs: number;
}

const MINUTE_MS = 60_000;

export const WINDOW_CHOICES = [
  { value: "1", label: "1 min" },
  { value: "5", label: "5 min" },
  { value: "15", label: "15 min" },
  { value: "60", label: "1 h" },
] as const;

export const DEFAULT_WINDOW: TimeWindow = { kind: "live", durationMs: 5 * MINUTE_MS };

/** The window that is chosen by its minutes, as in WINDOW_CHOICES. */
export function windowOfMinutes(minutes: string): TimeWindow {
  return { kind: "live", durationMs: Number(minutes) * MINUTE_MS };
}

/** Minutes of a live window; undefined for a fixed one. */
export function minutesOf(window: TimeWindow): "1" | "5" | "15" | "60" | undefined {
  if (window.kind === "fixed") return undefined;
  return WINDOW_CHOICES.find(({ value }) => Number(value) * MINUTE_MS === window.durationMs)?.value;
}

/**
 * The stretch of time of a window. A camera whose newest sample lies outside (it has been silent for long, or its clock is
 * off) is shown around that sample: an empty chart would tell nothing.
 */
export function rangeOf(window: TimeWindow, nowMs: number, newestMs: number): TimeRange {
  if (window.kind === "fixed") return window;
  const outside =
    newestMs > 0 && (newestMs < nowMs - window.durationMs || newestMs > nowMs + 5_000);
  const toMs = outside ? newestMs + 1 : nowMs;
  return { fromMs: toMs - window.durationMs, toMs };
}

/** How long a chart of this window may go without asking anew. */
export function refreshMs(window: TimeWindow): number {
  if (window.kind === "fixed") return 60_000;
  return Math.max(1_000, window.durationMs / 200);
}

/** Remembers the window in the address, so that a link shows the same. */
export function writeWindow(window: TimeWindow): void {
  const parameters = new URLSearchParams();
  if (window.kind === "fixed") {
    parameters.set("from", String(nanosecondsOf(window.fromMs) / 1_000_000n));
    parameters.set("to", String(nanosecondsOf(window.toMs) / 1_000_000n));
  } else if (window.durationMs !== (DEFAULT_WINDOW as { durationMs: number }).durationMs) {
    parameters.set("minutes", String(window.durationMs / MINUTE_MS));
  }
  const search = parameters.size > 0 ? `?${parameters}` : "";
  history.replaceState(history.state, "", `${location.pathname}${search}`);
}

/** The window that the address asks for. */
export function readWindow(): TimeWindow {
  const parameters = new URLSearchParams(location.search);
  const fromMs = Number(parameters.get("from"));
  const toMs = Number(parameters.get("to"));
  if (fromMs > 0 && toMs > fromMs) return { kind: "fixed", fromMs, toMs };
  const choice = WINDOW_CHOICES.find(({ value }) => value === parameters.get("minutes"));
  return choice ? windowOfMinutes(choice.value) : DEFAULT_WINDOW;
}
