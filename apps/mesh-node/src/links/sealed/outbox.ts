/** Messages that wait for their turn on a link, and parts of them that have to be sent again. Bounded. */
import type { Pad } from "@glassline/quantum/keys/pad";

import type { Part } from "./contents.ts";
import { CHANNELS, PADDED_HEADER_BYTES, PART_HEADER_BYTES, partBytes } from "./contents.ts";
import { WaitingLine } from "./waiting-line.ts";

interface Message {
  /** Given when its first part is handed out. */
  number: number | undefined;
  bytes: Uint8Array;
  /** What was handed out once. */
  handedOut: number;
  /** Bytes that are not known to have arrived. */
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

const isWorthIt = ({ bytes, handedOut }: Message, most: number): boolean =>
  most >= Math.min(PART_LEAST_BYTES, bytes.length - handedOut);

/** The lower channel first; in it the flows in turn, so that none of them waits for the messages of another one. */
export class Outbox {
  readonly #maxBytes: number;
  readonly #pad: Pad | undefined;
  readonly #again: Part[] = [];
  readonly #flows: Map<string, WaitingLine<Message>>[] = Array.from(
    { length: CHANNELS },
    () => new Map(),
  );
  readonly #numbers: number[] = Array.from({ length: CHANNELS }, () => 0);
  /** None before it is open. */
  readonly #oldest: number[] = Array.from({ length: CHANNELS }, () => 0);
  /** Messages that have not arrived, each at its number modulo OPEN_MAX: there are never more. */
  readonly #open: (Message | undefined)[][] = Array.from({ length: CHANNELS }, () => []);
  #bytes = 0;

  /**
   * @param maxBytes of what has not been handed out; the control channel may have as much again.
   * @param pad for all but the control channel: what there is no pad for waits.
   */
  constructor(maxBytes: number, pad?: Pad) {
    [this.#maxBytes, this.#pad] = [maxBytes, pad];
  }

  /** False: there is too much already. @param flow whose message it is. */
  put(channel: number, flow: string, bytes: Uint8Array): boolean {
    const most = channel === CONTROL ? 2 * this.#maxBytes : this.#maxBytes;
    if (this.#bytes + bytes.length > most) return false;
    const message = { number: undefined, bytes, handedOut: 0, left: bytes.length };
    const flows = this.#flows[channel]!;
    let waiting = flows.get(flow);
    if (!waiting) flows.set(flow, (waiting = new WaitingLine()));
    waiting.push(message);
    this.#bytes += bytes.length;
    return true;
  }

  /** There are messages of a channel, and no pad for them. */
  lacksPad(channel: number): boolean {
    const least = this.#pad ? Math.min(this.#pad.left, PART_LEAST_BYTES) : Infinity;
    return [...this.#flows[channel]!.values()].some(({ first }) => !isWorthIt(first!, least));
  }

  /** It was lost. */
  putAgain(part: Part): void {
    this.#again.push(part);
  }

  /** It has arrived. */
  arrived({ channel, message, bytes }: Part): void {
    const open = this.#open[channel]!;
    const known = open[message % OPEN_MAX]!;
    known.left -= bytes.length;
    if (known.left <= 0) open[message % OPEN_MAX] = undefined;
  }

  /** Messages of a channel that are not known to have arrived, in their order. */
  unarrived(channel: number): Uint8Array[] {
    const waiting = [...this.#flows[channel]!.values()].flatMap((line) => [...line]);
    const begun: Uint8Array[] = [];
    for (let number = this.#oldest[channel]!; number < this.#numbers[channel]!; number++) {
      const message = this.#open[channel]![number % OPEN_MAX];
      if (message) begun.push(message.bytes);
    }
    return [
      ...begun,
      ...waiting.filter(({ number }) => number === undefined).map(({ bytes }) => bytes),
    ];
  }

  /** Messages of a channel of which nothing was handed out; they are not in the outbox any more. */
  takeBack(channel: number): Uint8Array[] {
    const flows = this.#flows[channel]!;
    const waiting = [...flows.values()].flatMap((line) => [...line]);
    flows.clear();
    for (const message of waiting.filter(({ number }) => number !== undefined))
      flows.set(`${message.number}`, new WaitingLine([message]));
    const taken = waiting.filter(({ number }) => number === undefined);
    this.#bytes -= taken.reduce((sum, { bytes }) => sum + bytes.length, 0);
    return taken.map(({ bytes }) => bytes);
  }

  /**
   * A part that with its header is no longer than `maxBytes`; undefined: there is none. Parts are cut once: what is sent again must be as it was, and may
   * take the room that is spared.
   */
  next(maxBytes: number, sparedBytes: number): Part | undefined {
    const again = this.#again[0];
    if (again) return partBytes(again) <= maxBytes ? this.#again.shift() : undefined;
    for (let channel = 0; channel < CHANNELS; channel++) {
      const most = this.#mostOf(channel, maxBytes - sparedBytes);
      const mayBegin = this.#mayBegin(channel);
      for (const [flow, waiting] of this.#flows[channel]!)
        if ((mayBegin || waiting.first!.number !== undefined) && isWorthIt(waiting.first!, most))
          return this.#partOf(channel, flow, waiting, most);
    }
    return undefined;
  }

  /** Bytes of a part of a message. */
  #mostOf(channel: number, maxBytes: number): number {
    if (!this.#pad || channel === CONTROL) return maxBytes - PART_HEADER_BYTES;
    return Math.min(maxBytes - PADDED_HEADER_BYTES, this.#pad.left);
  }

  #mayBegin(channel: number): boolean {
    const [open, next] = [this.#open[channel]!, this.#numbers[channel]!];
    let oldest = this.#oldest[channel]!;
    while (oldest < next && !open[oldest % OPEN_MAX]) oldest++;
    this.#oldest[channel] = oldest;
    return next < oldest + OPEN_MAX;
  }

  #partOf(channel: number, flow: string, waiting: WaitingLine<Message>, most: number): Part {
    const message = waiting.first!;
    const number = (message.number ??= this.#begin(channel, message));
    const offset = message.handedOut;
    const bytes = message.bytes.subarray(offset, offset + most);
    const padded = channel === CONTROL ? undefined : this.#pad?.seal(bytes);
    message.handedOut += bytes.length;
    this.#bytes -= bytes.length;
    const isLast = message.handedOut === message.bytes.length;
    if (isLast) waiting.leave();
    const flows = this.#flows[channel]!;
    const isAlone = flows.size === 1 && waiting.length > 0;
    if (!isAlone) flows.delete(flow);
    // Behind the others.
    if (!isAlone && waiting.length > 0) flows.set(flow, waiting);
    const [sent, padAt] = [padded?.bytes ?? bytes, padded?.at];
    return { channel, message: number, offset, isLast, bytes: sent, padAt };
  }

  #begin(channel: number, message: Message): number {
    const number = this.#numbers[channel]!++;
    this.#open[channel]![number % OPEN_MAX] = message;
    return number;
  }
}
