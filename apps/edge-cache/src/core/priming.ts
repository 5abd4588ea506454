/** What a priming has done so far, and how many may wait. Pure. */

/** The first of them. */
const FAILURES_MAX = 100;

export type PrimingPhase = "queued" | "fetching" | "validating" | "done" | "failed";

export interface PrimingFailure {
  path: string;
  reason: string;
}

export interface Progress {
  phase: PrimingPhase;
  found: number;
  fetched: number;
  bytes: number;
  failed: number;
  failures: PrimingFailure[];
  validated: number;
  hits: number;
  /** Why it failed as a whole. */
  failure: string;
}

export function newProgress(): Progress {
  return {
    phase: "queued",
    found: 0,
    fetched: 0,
    bytes: 0,
    failed: 0,
    failures: [],
    validated: 0,
    hits: 0,
    failure: "",
  };
}

export function addFailure(progress: Progress, path: string, reason: string): void {
  progress.failed++;
  if (progress.failures.length < FAILURES_MAX) progress.failures.push({ path, reason });
}

/** Moments at which objects may be asked for: so many a second, none saved up. */
export class Pace {
  readonly #intervalMs: number;
  #nextMs = Number.NEGATIVE_INFINITY;

  constructor(perSecond: number) {
    this.#intervalMs = 1_000 / perSecond;
  }

  /** Milliseconds until the next one, which is taken. */
  take(nowMs: number): number {
    const atMs = Math.max(this.#nextMs, nowMs);
    this.#nextMs = atMs + this.#intervalMs;
    return atMs - nowMs;
  }
}
