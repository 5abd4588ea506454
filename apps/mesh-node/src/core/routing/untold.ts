/** What a neighbour has not been told, and when it will be: what changes within a moment goes together, small changes of what ways cost still later. */

/** Between two updates to one neighbour. */
const UPDATE_INTERVAL_MS = 20;
/** Round trips of many links move a little all the time (RFC 8966 section 3.7.2 leaves that to periodic updates). */
const LATER_MS = 4_000;

export class Untold {
  /** "all": nothing was told on this link. */
  #now: Set<string> | "all" = "all";
  readonly #later = new Set<string>();
  #quietUntilMs: number;
  #laterMs = 0;

  /** @param nowMs the link is up. */
  constructor(nowMs: number) {
    this.#quietUntilMs = nowMs;
  }

  add(origin: string): void {
    this.#later.delete(origin);
    if (this.#now !== "all") this.#now.add(origin);
  }

  addLater(origin: string, nowMs: number): void {
    if (this.#now === "all" || this.#now.has(origin)) return;
    if (this.#later.size === 0) this.#laterMs = nowMs + LATER_MS;
    this.#later.add(origin);
  }

  /** When `take` will have something; Infinity: there is nothing. */
  get dueMs(): number {
    const hasNews = this.#now === "all" || this.#now.size > 0;
    const newsMs = hasNews ? this.#quietUntilMs : Infinity;
    return Math.min(newsMs, this.#later.size > 0 ? this.#laterMs : Infinity);
  }

  /** What is told now; undefined: nothing. */
  take(nowMs: number): ReadonlySet<string> | "all" | undefined {
    if (this.#later.size > 0 && nowMs >= this.#laterMs) {
      if (this.#now !== "all") for (const origin of this.#later) this.#now.add(origin);
      this.#later.clear();
    }
    const untold = this.#now;
    if (nowMs < this.#quietUntilMs || (untold !== "all" && untold.size === 0)) return undefined;
    this.#now = new Set();
    this.#quietUntilMs = nowMs + UPDATE_INTERVAL_MS;
    return untold;
  }
}
