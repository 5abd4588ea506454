/** What is inside a record: items one after the other, each with its kind before it. All numbers are big-endian. */
import type { Ack } from "./recovery.ts";

export interface Part {
  /** CONTROL, URGENT or BULK. */
  readonly channel: number;
  /** Counts the messages of a channel, from 0. */
  readonly message: number;
  /** Of the bytes in the message. */
  readonly offset: number;
  readonly isLast: boolean;
  readonly bytes: Uint8Array;
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

const KINDS = ["part", "ack", "fleeting", "bye", "hurry"] as const;
export const HURRY_BYTES = 1;
export const PART_HEADER_BYTES = 13;
export const FLEETING_HEADER_BYTES = 3;
const ACK_HEADER_BYTES = 12;
const RANGE_BYTES = 8;
export const RANGES_MAX = 32;
export const CHANNELS = 3;
const LAST = 0x80;

/** Of an acknowledgement with so many ranges. */
export const ackBytes = (ranges: number): number => ACK_HEADER_BYTES + RANGE_BYTES * ranges;

export function writeItems(items: readonly Item[]): Buffer {
  return Buffer.concat(items.map(writeItem));
}

function writeItem(item: Item): Buffer {
  if (item.kind === "part") return writePart(item.part);
  if (item.kind === "ack") return writeAck(item.ack);
  if (item.kind === "bye" || item.kind === "hurry") return Buffer.from([KINDS.indexOf(item.kind)]);
  const header = Buffer.alloc(FLEETING_HEADER_BYTES);
  header[0] = KINDS.indexOf("fleeting");
  header.writeUInt16BE(item.bytes.length, 1);
  return Buffer.concat([header, item.bytes]);
}

function writePart({ channel, message, offset, isLast, bytes }: Part): Buffer {
  const header = Buffer.alloc(PART_HEADER_BYTES);
  header[0] = KINDS.indexOf("part");
  header[1] = channel | (isLast ? LAST : 0);
  header.writeUInt32BE(message, 2);
  header.writeUIntBE(offset, 6, 5);
  header.writeUInt16BE(bytes.length, 11);
  return Buffer.concat([header, bytes]);
}

/** Each range as the gap above it and its length. */
function writeAck(ack: Ack): Buffer {
  const ranges = ack.ranges.slice(0, RANGES_MAX);
  const bytes = Buffer.alloc(ACK_HEADER_BYTES + RANGE_BYTES * ranges.length);
  bytes[0] = KINDS.indexOf("ack");
  bytes.writeUIntBE(ack.largest, 1, 6);
  bytes.writeUIntBE(Math.min(0xff_ffff, Math.round(ack.delayMs * 1_000)), 7, 3);
  bytes.writeUInt16BE(ranges.length, 10);
  let above = ack.largest + 1;
  for (const [index, [first, last]] of ranges.entries()) {
    const at = ACK_HEADER_BYTES + RANGE_BYTES * index;
    bytes.writeUInt32BE(Math.min(0xffff_ffff, above - 1 - last), at);
    bytes.writeUInt32BE(Math.min(0xffff_ffff, last - first), at + 4);
    above = first;
  }
  return bytes;
}

/** Throws ContentsError. */
export function readItems(contents: Buffer): Item[] {
  const items: Item[] = [];
  let at = 0;
  /** The next bytes; all that is read goes through here. */
  const next = (length: number): Buffer => {
    if (at + length > contents.length)
      throw new ContentsError(
        `record: got ${contents.length - at} bytes more, expected ${length} at least`,
      );
    return contents.subarray(at, (at += length));
  };
  while (at < contents.length) {
    const kind = KINDS[next(1)[0]!];
    if (kind === "part") items.push({ kind, part: readPart(next) });
    else if (kind === "ack") items.push({ kind, ack: readAck(next) });
    else if (kind === "fleeting") items.push({ kind, bytes: next(next(2).readUInt16BE()) });
    else if (kind === "bye" || kind === "hurry") items.push({ kind });
    else throw new ContentsError(`record: got an item of kind ${contents[at - 1]}`);
  }
  return items;
}

function readPart(next: (length: number) => Buffer): Part {
  const header = next(PART_HEADER_BYTES - 1);
  const [flags, message] = [header[0]!, header.readUInt32BE(1)];
  const channel = flags & ~LAST;
  if (channel >= CHANNELS) throw new ContentsError(`record: got channel ${channel}`);
  const offset = header.readUIntBE(5, 5);
  const bytes = next(header.readUInt16BE(10));
  return { channel, message, offset, isLast: (flags & LAST) !== 0, bytes };
}

function readAck(next: (length: number) => Buffer): Ack {
  const header = next(ACK_HEADER_BYTES - 1);
  const largest = header.readUIntBE(0, 6);
  const delayMs = header.readUIntBE(6, 3) / 1_000;
  const count = header.readUInt16BE(9);
  if (count > RANGES_MAX) throw new ContentsError(`acknowledgement: got ${count} ranges`);
  const ranges: [number, number][] = [];
  let above = largest + 1;
  for (let index = 0; index < count; index++) {
    const range = next(RANGE_BYTES);
    const last = above - 1 - range.readUInt32BE(0);
    const first = last - range.readUInt32BE(4);
    if (first < 0) throw new ContentsError("acknowledgement: got a packet before the first one");
    ranges.push([first, last]);
    above = first;
  }
  return { largest, delayMs, ranges };
}
