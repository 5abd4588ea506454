/** What is inside a record: items one after the other, each with its kind before it. All numbers are big-endian. */
import { numberNear } from "@glassline/quantum/keys/number-near";

import type { Ack } from "./recovery.ts";

export interface Part {
  /** CONTROL, URGENT or BULK. */
  readonly channel: number;
  /** Counts the messages of a channel, from 0; of one that was read, the last bits (`NUMBERS`). */
  readonly message: number;
  /** Of the bytes in the message. */
  readonly offset: number;
  readonly isLast: boolean;
  readonly bytes: Uint8Array;
  /** The bytes are under a one-time pad, from this place in it on. */
  readonly padAt?: number | undefined;
}

export type Item =
  | { readonly kind: "part"; readonly part: Part }
  | { readonly kind: "ack"; readonly ack: Ack }
  /** A message that is not sent again when it is lost. */
  | { readonly kind: "fleeting"; readonly bytes: Uint8Array }
  /** The sender closes the link. */
  | { readonly kind: "bye" }
  /** The sender waits for an acknowledgement. */
  | { readonly kind: "hurry" };

/** Contents that are none. Only who has the keys can send such. */
export class ContentsError extends Error {
  override readonly name = "ContentsError";
}

const KINDS = ["part", "ack", "fleeting", "bye", "hurry", "padded"] as const;
/** In the first byte of an item, beside its kind; all but the first two are of parts, also of those under a pad. */
const KIND = 0x07;
const CHANNEL_SHIFT = 3;
const LAST = 0x20;
/** It does not begin where its message does. */
const HAS_OFFSET = 0x40;
/** It goes to the end of the record: its length is not said. */
const TO_END = 0x80;

export const HURRY_BYTES = 1;
const KIND_BYTES = 1;
const NUMBER_BYTES = 3;
const LENGTH_BYTES = 2;
const PAD_AT_BYTES = 6;
/** At most. */
export const PART_HEADER_BYTES = KIND_BYTES + 2 * NUMBER_BYTES + LENGTH_BYTES;
export const PADDED_HEADER_BYTES = PART_HEADER_BYTES + PAD_AT_BYTES;
export const FLEETING_HEADER_BYTES = KIND_BYTES + LENGTH_BYTES;
const LARGEST_BYTES = 4;
const DELAY_BYTES = 2;
/** Delays are said in these (RFC 9000 section 18.2, ack_delay_exponent). */
const DELAY_UNIT_MS = 0.008;
const VARINT_MAX_BYTES = 5;
const ACK_HEADER_BYTES = KIND_BYTES + LARGEST_BYTES + DELAY_BYTES + 1;
export const RANGES_MAX = 32;
export const CHANNELS = 3;
/** Of a message's number so much is said: its last bits. */
export const NUMBERS = 2 ** (8 * NUMBER_BYTES);

/** Of the number of a record so much is said: its last bits. */
const RECORDS = 2 ** (8 * LARGEST_BYTES);

/** Of an acknowledgement with so many ranges, at most. */
export const ackBytes = (ranges: number): number =>
  ACK_HEADER_BYTES + 2 * VARINT_MAX_BYTES * ranges;

/** In the middle of a record. */
export const partBytes = ({ offset, bytes, padAt }: Part): number =>
  KIND_BYTES +
  (padAt === undefined ? 0 : PAD_AT_BYTES) +
  NUMBER_BYTES +
  (offset > 0 ? NUMBER_BYTES : 0) +
  LENGTH_BYTES +
  bytes.length;

export function writeItems(items: readonly Item[]): Buffer {
  const last = items.at(-1);
  const spared = last?.kind === "part" ? LENGTH_BYTES : 0;
  const most = items.reduce((sum, item) => sum + itemBytes(item), 0) - spared;
  const contents = Buffer.allocUnsafe(most);
  let at = 0;
  for (const item of items) at = writeItem(contents, at, item, item === last);
  return contents.subarray(0, at);
}

/** At most. */
function itemBytes(item: Item): number {
  if (item.kind === "part") return partBytes(item.part);
  if (item.kind === "ack") return ackBytes(Math.min(RANGES_MAX, item.ack.ranges.length));
  return item.kind === "fleeting" ? FLEETING_HEADER_BYTES + item.bytes.length : KIND_BYTES;
}

/** @returns where it ends. */
function writeItem(contents: Buffer, at: number, item: Item, isToEnd: boolean): number {
  if (item.kind === "part") return writePart(contents, at, item.part, isToEnd);
  contents[at] = KINDS.indexOf(item.kind);
  if (item.kind === "ack") return writeAck(contents, at, item.ack);
  if (item.kind !== "fleeting") return at + KIND_BYTES;
  contents.writeUInt16BE(item.bytes.length, at + KIND_BYTES);
  contents.set(item.bytes, at + FLEETING_HEADER_BYTES);
  return at + FLEETING_HEADER_BYTES + item.bytes.length;
}

function writePart(contents: Buffer, from: number, part: Part, isToEnd: boolean): number {
  const { channel, message, offset, isLast, bytes, padAt } = part;
  contents[from] =
    KINDS.indexOf(padAt === undefined ? "part" : "padded") |
    (channel << CHANNEL_SHIFT) |
    (isLast ? LAST : 0) |
    (offset > 0 ? HAS_OFFSET : 0) |
    (isToEnd ? TO_END : 0);
  let at = from + KIND_BYTES;
  if (padAt !== undefined) at = contents.writeUIntBE(padAt, at, PAD_AT_BYTES);
  at = contents.writeUIntBE(message % NUMBERS, at, NUMBER_BYTES);
  if (offset > 0) at = contents.writeUIntBE(offset, at, NUMBER_BYTES);
  if (!isToEnd) at = contents.writeUInt16BE(bytes.length, at);
  contents.set(bytes, at);
  return at + bytes.length;
}

/** Each range as the gap above it and its length. */
function writeAck(contents: Buffer, from: number, ack: Ack): number {
  const ranges = ack.ranges.slice(0, RANGES_MAX);
  const delay = Math.round(ack.delayMs / DELAY_UNIT_MS);
  let at = contents.writeUInt32BE(ack.largest % RECORDS, from + KIND_BYTES);
  at = contents.writeUInt16BE(Math.min(0xffff, delay), at);
  at = contents.writeUInt8(ranges.length, at);
  let above = ack.largest + 1;
  for (const [first, last] of ranges) {
    at = writeVarint(contents, at, above - 1 - last);
    at = writeVarint(contents, at, last - first);
    above = first;
  }
  return at;
}

/** Seven bits a byte, the lowest first; of more than 32 bits the most that they can say. */
function writeVarint(contents: Buffer, from: number, value: number): number {
  let [at, rest] = [from, Math.min(RECORDS - 1, value)];
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) contents[at++] = (rest % 0x80) | 0x80;
  contents[at++] = rest;
  return at;
}

/** @param sent number of the next record that goes to where these come from: what they acknowledge is near it. Throws ContentsError. */
export function readItems(contents: Buffer, sent: number): Item[] {
  const items: Item[] = [];
  const reader = new Reader(contents);
  while (reader.left > 0) {
    const flags = reader.number(KIND_BYTES);
    const kind = KINDS[flags & KIND];
    const isPart = kind === "part" || kind === "padded";
    if (!isPart && flags > KIND) throw new ContentsError(`record: got an item of kind ${flags}`);
    if (isPart) items.push({ kind: "part", part: readPart(flags, reader) });
    else if (kind === "ack") items.push({ kind, ack: readAck(reader, sent) });
    else if (kind === "fleeting")
      items.push({ kind, bytes: reader.bytes(reader.number(LENGTH_BYTES)) });
    else if (kind === "bye" || kind === "hurry") items.push({ kind });
    else throw new ContentsError(`record: got an item of kind ${flags}`);
  }
  return items;
}

/** All that is read goes through here. Its methods throw ContentsError where there is less. */
class Reader {
  readonly #contents: Buffer;
  #at = 0;

  constructor(contents: Buffer) {
    this.#contents = contents;
  }

  get left(): number {
    return this.#contents.length - this.#at;
  }

  /** @param bytes 6 at most. */
  number(bytes: number): number {
    const end = this.#advanced(bytes);
    let value = 0;
    for (let at = end - bytes; at < end; at++) value = value * 0x100 + this.#contents[at]!;
    return value;
  }

  bytes(length: number): Buffer {
    const end = this.#advanced(length);
    return this.#contents.subarray(end - length, end);
  }

  varint(): number {
    let value = 0;
    for (let count = 0; count < VARINT_MAX_BYTES; count++) {
      const byte = this.number(1);
      value += (byte & 0x7f) * 2 ** (7 * count);
      if (byte < 0x80) return value;
    }
    throw new ContentsError("acknowledgement: got a number of more than 35 bits");
  }

  #advanced(length: number): number {
    if (length > this.left)
      throw new ContentsError(`record: got ${this.left} bytes more, expected ${length} at least`);
    return (this.#at += length);
  }
}

function readPart(flags: number, reader: Reader): Part {
  const channel = (flags >>> CHANNEL_SHIFT) & 3;
  if (channel >= CHANNELS) throw new ContentsError(`record: got channel ${channel}`);
  const isPadded = KINDS[flags & KIND] === "padded";
  const padAt = isPadded ? reader.number(PAD_AT_BYTES) : undefined;
  const message = reader.number(NUMBER_BYTES);
  const offset = flags & HAS_OFFSET ? reader.number(NUMBER_BYTES) : 0;
  const bytes = reader.bytes(flags & TO_END ? reader.left : reader.number(LENGTH_BYTES));
  return { channel, message, offset, isLast: (flags & LAST) !== 0, bytes, padAt };
}

function readAck(reader: Reader, sent: number): Ack {
  const largest = numberNear(sent, reader.number(LARGEST_BYTES), RECORDS);
  const delayMs = reader.number(DELAY_BYTES) * DELAY_UNIT_MS;
  const count = reader.number(1);
  if (count > RANGES_MAX) throw new ContentsError(`acknowledgement: got ${count} ranges`);
  const ranges: [number, number][] = [];
  let above = largest + 1;
  for (let index = 0; index < count; index++) {
    const last = above - 1 - reader.varint();
    const first = last - reader.varint();
    if (first < 0) throw new ContentsError("acknowledgement: got a packet before the first one");
    ranges.push([first, last]);
    above = first;
  }
  return { largest, delayMs, ranges };
}
