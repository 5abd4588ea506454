/** Messages that wait for their turn on a link, and parts of them that have to be sent again. Bounded. */
import type { Part } from "./contents.ts";
import { CHANNELS, PART_HEADER_BYTES } from "./contents.ts";
import { WaitingLine } from "./waiting-line.ts";

interface Message {
  /** Given when its first part is handed out. */
  number: number | undefined;
  bytes: Uint8Array;
  /** What was handed out once. */
  handedOut: number;
}

interface Open {
  bytes: Uint8Array;
  /** How many of them have not arrived. */
  left: number;
}

/** What the routes hang on; in order. */
export const CONTROL = 0;
/** Alarms. */
export const URGENT = 1;
export const BULK = 2;

/** The other end holds no more messages of a channel of which something is missing. */
export const OPEN_MAX = 4_096;

/** Too small a part is not worth its header. */
const PART_LEAST_BYTES = 32;

/** The lower channel first; in it the flows in turn, so that none of them waits for the messages of another one. */
export class Outbox {
  readonly #maxBytes: number;
  readonly #again: Part[] = [];
  readonly #flows: Map<string, WaitingLine<Message>>[] = Array.from(
    { length: CHANNELS },
    () => new Map(),
  );
  readonly #numbers: number[] = Array.from({ length: CHANNELS }, () => 0);
  /** None before it is open. */
  readonly #oldest: number[] = Array.from({ length: CHANNELS }, () => 0);
  /** Messages that have not arrived, the oldest first. */
  readonly #open: Map<number, Open>[] = Array.from({ length: CHANNELS }, () => new Map());
  #bytes = 0;

  /** @param maxBytes of what has not been handed out; the control channel may have as much again. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** False: there is too much already. @param flow whose message it is. */
  put(channel: number, flow: string, bytes: Uint8Array): boolean {
    const most = channel === CONTROL ? 2 * this.#maxBytes : this.#maxBytes;
    if (this.#bytes + bytes.length > most) return false;
    const message = { number: undefined, bytes, handedOut: 0 };
    const flows = this.#flows[channel]!;
    let waiting = flows.get(flow);
    if (!waiting) flows.set(flow, (waiting = new WaitingLine()));
    waiting.push(message);
    this.#bytes += bytes.length;
    return true;
  }

  /** It was lost. */
  putAgain(part: Part): void {
    this.#again.push(part);
  }

  /** It has arrived. */
  arrived({ channel, message, bytes }: Part): void {
    const open = this.#open[channel]!;
    const known = open.get(message)!;
    known.left -= bytes.length;
    if (known.left <= 0) open.delete(message);
  }

  /** Messages of a channel that are not known to have arrived, in their order. */
  unarrived(channel: number): Uint8Array[] {
    const waiting = [...this.#flows[channel]!.values()].flatMap((line) => [...line]);
    const begun = [...this.#open[channel]!.values()].map(({ bytes }) => bytes);
    return [
      ...begun,
      ...waiting.filter(({ number }) => number === undefined).map(({ bytes }) => bytes),
    ];
  }

  /**
   * A part that with its header is no longer than `maxBytes`; undefined: there is none. Parts are cut once: what is sent again must be as it was, and may
   * take the room that is spared.
   */
  next(maxBytes: number, sparedBytes: number): Part | undefined {
    const most = maxBytes - PART_HEADER_BYTES;
    if (this.#again.length > 0)
      return this.#again[0]!.bytes.length <= most ? this.#again.shift() : undefined;
    if (most - sparedBytes < PART_LEAST_BYTES) return undefined;
    for (let channel = 0; channel < CHANNELS; channel++) {
      const mayBegin = this.#mayBegin(channel);
      for (const [flow, waiting] of this.#flows[channel]!)
        if (mayBegin || waiting.first!.number !== undefined)
          return this.#partOf(channel, flow, waiting, most - sparedBytes);
    }
    return undefined;
  }

  #mayBegin(channel: number): boolean {
    const [open, next] = [this.#open[channel]!, this.#numbers[channel]!];
    let oldest = this.#oldest[channel]!;
    while (oldest < next && !open.has(oldest)) oldest++;
    this.#oldest[channel] = oldest;
    return next < oldest + OPEN_MAX;
  }

  #partOf(channel: number, flow: string, waiting: WaitingLine<Message>, most: number): Part {
    const message = waiting.first!;
    const number = (message.number ??= this.#begin(channel, message));
    const offset = message.handedOut;
    const bytes = message.bytes.subarray(offset, offset + most);
    message.handedOut += bytes.length;
    this.#bytes -= bytes.length;
    const isLast = message.handedOut === message.bytes.length;
    if (isLast) waiting.leave();
    const flows = this.#flows[channel]!;
    const isAlone = flows.size === 1 && waiting.length > 0;
    if (!isAlone) flows.delete(flow);
    // Behind the others.
    if (!isAlone && waiting.length > 0) flows.set(flow, waiting);
    return { channel, message: number, offset, isLast, bytes };
  }

  #begin(channel: number, { bytes }: Message): number {
    const number = this.#numbers[channel]!++;
    this.#open[channel]!.set(number, { bytes, left: bytes.length });
    return number;
  }
}
