/** What a player has fetched and not yet shown; it plays in real time and stalls when it is empty. */

/** Playback begins, and goes on after a stall, with so much. */
const START_MS = 1_000;

export class PlaybackBuffer {
  readonly #clock: { monotonicMs(): number };
  /** Media between the playhead and the end of what was fetched, at #atMs. */
  #ahead = 0;
  #atMs = 0;
  #playing = false;
  #started = false;
  #stalls = 0;
  #stalledMs = 0;

  constructor(clock: { monotonicMs(): number }) {
    this.#clock = clock;
  }

  append(durationMs: number): void {
    this.#advance();
    this.#ahead += durationMs;
    if (this.#ahead >= START_MS) this.#playing = this.#started = true;
  }

  aheadMs(): number {
    this.#advance();
    return this.#ahead;
  }

  /** Up to now. */
  totals(): { stalls: number; stalledMs: number } {
    this.#advance();
    return { stalls: this.#stalls, stalledMs: Math.round(this.#stalledMs) };
  }

  #advance(): void {
    const nowMs = this.#clock.monotonicMs();
    const passedMs = nowMs - this.#atMs;
    this.#atMs = nowMs;
    if (!this.#started) return;
    if (!this.#playing) {
      this.#stalledMs += passedMs;
      return;
    }
    const missingMs = passedMs - this.#ahead;
    this.#ahead = Math.max(0, this.#ahead - passedMs);
    if (missingMs <= 0) return;
    this.#playing = false;
    this.#stalls++;
    this.#stalledMs += missingMs;
  }
}
