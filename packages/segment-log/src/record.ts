/**
 * The bytes of a segment: a header, then records of [length u32][crc32 u32][index u64][payload], little-endian. The checksum
 * covers index and payload. With the index in each record a reader finds its way behind a damaged one.
 */
import { crc32 } from "node:zlib";

const MAGIC = Buffer.from("GLSEGM2\n", "latin1");
export const HEADER_BYTES = MAGIC.length;
export const FRAME_BYTES = 16;
/** The index is the part of the frame that the checksum covers. */
const INDEX_OFFSET = 8;
const WORD = 4_294_967_296;
/** Behind a damaged record the next index is believed up to this far on. */
const RESYNC_INDEX_SPAN = 1_048_576;

export const segmentHeader = (): Buffer => Buffer.from(MAGIC);

/** Payloads up to this size are copied behind their frames; a larger one is a buffer of its own. */
const COPIED_MAX_BYTES = 16_384;

/** Records of consecutive indexes with their frames, as few buffers for one vectored write. */
export function frameRecords(firstIndex: number, payloads: readonly Uint8Array[]): Uint8Array[] {
  const copied = Buffer.allocUnsafe(
    payloads.reduce((sum, { length }) => sum + FRAME_BYTES + copiedBytes(length), 0),
  );
  const buffers: Uint8Array[] = [];
  let [from, at] = [0, 0];
  for (const [offset, payload] of payloads.entries()) {
    const isCopied = copiedBytes(payload.length) > 0;
    const end = at + FRAME_BYTES + copiedBytes(payload.length);
    if (isCopied) copied.set(payload, at + FRAME_BYTES);
    writeFrame(copied.subarray(at, end), firstIndex + offset, payload.length);
    if (!isCopied && payload.length > 0) {
      // The checksum goes on over what is not copied.
      copied.writeUInt32LE(crc32(payload, copied.readUInt32LE(at + 4)), at + 4);
      buffers.push(copied.subarray(from, end), payload);
      from = end;
    }
    at = end;
  }
  if (at > from) buffers.push(copied.subarray(from, at));
  return buffers;
}

const copiedBytes = (length: number): number => (length <= COPIED_MAX_BYTES ? length : 0);

/** @param record room for a frame, and what of its payload is behind it already. */
function writeFrame(record: Buffer, index: number, payloadBytes: number): void {
  record.writeUInt32LE(payloadBytes, 0);
  record.writeUInt32LE(index % WORD, INDEX_OFFSET);
  record.writeUInt32LE(Math.floor(index / WORD), INDEX_OFFSET + 4);
  record.writeUInt32LE(crc32(record.subarray(INDEX_OFFSET)), 4);
}

export interface Scan {
  /** Payloads by index, in order; views, not copies. Indexes of records that were damaged are missing. */
  payloads: Map<number, Uint8Array>;
  /** End of the last true record. */
  goodBytes: number;
  /** What was found wrong before the last true record, for people. */
  damage: string[];
}

/** Every true record of a segment's bytes. What stands behind the last one is a torn tail. Never throws. */
export function scanSegment(bytes: Buffer, recordMaxBytes: number): Scan {
  const scan: Scan = { payloads: new Map(), goodBytes: 0, damage: [] };
  if (!bytes.subarray(0, HEADER_BYTES).equals(MAGIC)) return scan;
  scan.goodBytes = HEADER_BYTES;
  let least = 0;
  while (scan.goodBytes < bytes.length) {
    const at = findRecord(bytes, scan.goodBytes, recordMaxBytes, least);
    if (at === undefined) break;
    if (at > scan.goodBytes)
      scan.damage.push(`${at - scan.goodBytes} damaged bytes at byte ${scan.goodBytes}`);
    const index = indexAt(bytes, at);
    scan.goodBytes = endAt(bytes, at);
    scan.payloads.set(index, bytes.subarray(at + FRAME_BYTES, scan.goodBytes));
    least = index + 1;
  }
  return scan;
}

/** The first true record at or behind a byte; undefined when there is none. */
function findRecord(
  bytes: Buffer,
  from: number,
  recordMaxBytes: number,
  least: number,
): number | undefined {
  for (let at = from; at + FRAME_BYTES <= bytes.length; at++) {
    if (bytes.readUInt32LE(at) > recordMaxBytes || endAt(bytes, at) > bytes.length) continue;
    const index = indexAt(bytes, at);
    const isBelievable = index >= least && (least === 0 || index < least + RESYNC_INDEX_SPAN);
    if (isBelievable && isTrue(bytes, at)) return at;
  }
  return undefined;
}

function endAt(bytes: Buffer, at: number): number {
  return at + FRAME_BYTES + bytes.readUInt32LE(at);
}

function indexAt(bytes: Buffer, at: number): number {
  return Number(bytes.readBigUInt64LE(at + INDEX_OFFSET));
}

function isTrue(bytes: Buffer, at: number): boolean {
  return crc32(bytes.subarray(at + INDEX_OFFSET, endAt(bytes, at))) === bytes.readUInt32LE(at + 4);
}
