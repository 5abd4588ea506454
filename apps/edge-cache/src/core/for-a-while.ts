/** Names remembered for some time, so many at most; the oldest makes room. Pure. */

export class ForAWhile {
  /** Until when, the oldest first. */
  readonly #untilMs = new Map<string, number>();
  readonly #most: number;
  readonly #lengthMs: number;

  constructor(most: number, lengthMs: number) {
    this.#most = most;
    this.#lengthMs = lengthMs;
  }

  /** @param nowMs monotonic. */
  has(name: string, nowMs: number): boolean {
    const untilMs = this.#untilMs.get(name);
    if (untilMs === undefined) return false;
    if (untilMs > nowMs) return true;
    this.#untilMs.delete(name);
    return false;
  }

  add(name: string, nowMs: number): void {
    if (this.#untilMs.size >= this.#most) this.#untilMs.delete(this.#untilMs.keys().next().value!);
    this.#untilMs.set(name, nowMs + this.#lengthMs);
  }
}
