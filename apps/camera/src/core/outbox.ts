/**
 * Reports on their way to the gateway: bounded, in order, numbered without gaps, kept until acknowledged. Pure. When it is full
 * the newest report is dropped and counted: only the camera may drop.
 */

export interface Outgoing<R> {
  seq: number;
  report: R;
}

export class Outbox<R> {
  readonly #maxReports: number;
  #waiting: Outgoing<R>[] = [];
  #nextSeq = 1;
  /** Index in #waiting of the next report to send. */
  #cursor = 0;

  constructor(maxReports: number) {
    this.#maxReports = maxReports;
  }

  get size(): number {
    return this.#waiting.length;
  }

  get isFull(): boolean {
    return this.#waiting.length >= this.#maxReports;
  }

  /** Reports that were sent and not acknowledged. */
  get unacknowledged(): number {
    return this.#cursor;
  }

  /** False when the report was dropped because too many wait. */
  push(report: R): boolean {
    if (this.isFull) return false;
    this.#waiting.push({ seq: this.#nextSeq++, report });
    return true;
  }

  /** The next report to send; undefined when all were sent. */
  next(): Outgoing<R> | undefined {
    const outgoing = this.#waiting[this.#cursor];
    if (outgoing) this.#cursor++;
    return outgoing;
  }

  /** Forgets all up to `seq`; gives them. */
  acknowledge(seq: number): Outgoing<R>[] {
    const count = this.#waiting.findIndex((outgoing) => outgoing.seq > seq);
    const done = this.#waiting.splice(0, count === -1 ? this.#waiting.length : count);
    this.#cursor = Math.max(0, this.#cursor - done.length);
    return done;
  }

  /** Takes out one report that was sent; the others keep their numbers. */
  remove(seq: number): Outgoing<R> | undefined {
    const at = this.#waiting.findIndex((outgoing) => outgoing.seq === seq);
    if (at === -1) return undefined;
    if (at < this.#cursor) this.#cursor--;
    return this.#waiting.splice(at, 1)[0];
  }

  /** Goes back to `seq`, or to the oldest that is not acknowledged. */
  rewind(seq = 0): void {
    const at = this.#waiting.findIndex((outgoing) => outgoing.seq >= seq);
    if (at !== -1) this.#cursor = Math.min(this.#cursor, at);
  }
}
