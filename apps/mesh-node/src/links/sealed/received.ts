/**
 * Which packets have come, and when the other end has to be told (RFC 9000 section 13.2): seldom, as in QUIC's extension for that
 * (draft-ietf-quic-ack-frequency), unless the other end waits for it. Pure; its own state only.
 */
import { RANGES_MAX, ackBytes } from "./contents.ts";
import type { Ack } from "./recovery.ts";
import { ACK_DELAY_MAX_MS } from "./recovery.ts";

/** It is told at once after so many packets that ask for it. */
const PACKETS_AN_ACK = 10;
/** Something else may be sent meanwhile, which it goes along with. */
const LEAST_DELAY_MS = 20;

export class Received {
  /** First and last, the highest first. */
  #ranges: [number, number][] = [];
  #largestMs = 0;
  #untold = 0;
  #toldMs = -Infinity;
  #dueMs = Infinity;

  /** Infinity: nothing is to be told. */
  get dueMs(): number {
    return this.#dueMs;
  }

  /** Something has come that asks for an acknowledgement, and was not told. */
  get hasNews(): boolean {
    return this.#untold > 0;
  }

  /** Of what is to tell. */
  get bytes(): number {
    return ackBytes(this.#ranges.length);
  }

  /**
   * @param number of a packet that has not come before.
   * @param wantsAck it carries more than an acknowledgement. "now": the other end waits for it.
   */
  take(number: number, wantsAck: boolean | "now", nowMs: number): void {
    const isNewest = number > (this.#ranges[0]?.[1] ?? -1);
    if (isNewest) this.#largestMs = nowMs;
    const isNext = number === (this.#ranges[0]?.[1] ?? -1) + 1;
    this.#insert(number);
    if (!wantsAck) return;
    this.#untold++;
    // What overtakes or is late is told at once: so that losses are seen soon.
    const isUrgent = wantsAck === "now" || !isNext || this.#untold >= PACKETS_AN_ACK;
    this.#dueMs = Math.min(this.#dueMs, isUrgent ? nowMs : this.#laterMs(nowMs));
  }

  /** As seldom as may be, but while packets come never later than that after the last time: a link is then not silent, and nobody has to say hello. */
  #laterMs(nowMs: number): number {
    const nextMs = Math.max(nowMs + LEAST_DELAY_MS, this.#toldMs + ACK_DELAY_MAX_MS);
    return Math.min(nextMs, nowMs + ACK_DELAY_MAX_MS);
  }

  /** What to tell now; undefined: nothing has come. */
  ack(nowMs: number): Ack | undefined {
    const [newest] = this.#ranges;
    if (!newest) return undefined;
    this.#untold = 0;
    this.#toldMs = nowMs;
    this.#dueMs = Infinity;
    const ranges = this.#ranges.map(([first, last]) => [first, last] as const);
    return { largest: newest[1], delayMs: nowMs - this.#largestMs, ranges };
  }

  #insert(number: number): void {
    const ranges = this.#ranges;
    let at = 0;
    while (at < ranges.length && ranges[at]![0] > number + 1) at++;
    const range = ranges[at];
    if (!range || range[1] < number - 1) ranges.splice(at, 0, [number, number]);
    else if (number === range[1] + 1) range[1] = number;
    else if (number === range[0] - 1) {
      range[0] = number;
      const below = ranges[at + 1];
      if (below && below[1] === number - 1) {
        range[0] = below[0];
        ranges.splice(at + 1, 1);
      }
    }
    // The lowest are forgotten: the other end knows of them, or sends what they carried again.
    if (ranges.length > RANGES_MAX) ranges.length = RANGES_MAX;
  }
}
