/** The bytes of a segment: a header, then records of [length u32][crc32 u32][payload], little-endian. */
import { crc32 } from "node:zlib";

const MAGIC = Buffer.from("GLSEGM1\n", "latin1");
export const HEADER_BYTES = MAGIC.length;
export const FRAME_BYTES = 8;

export const segmentHeader = (): Buffer => Buffer.from(MAGIC);

/** A payload with its frame, as two buffers for one vectored write. */
export function frameRecord(payload: Uint8Array): [frame: Uint8Array, payload: Uint8Array] {
  const frame = Buffer.alloc(FRAME_BYTES);
  frame.writeUInt32LE(payload.length, 0);
  frame.writeUInt32LE(crc32(payload), 4);
  return [frame, payload];
}

export interface Scan {
  payloads: Uint8Array[];
  /** Bytes from the start that are whole and true. */
  goodBytes: number;
  /** Why the scan ended before the end of the bytes; undefined when it did not. */
  damage: string | undefined;
}

/** Every whole record of a segment's bytes, up to the first that is torn or rotten. Payloads are views, not copies. */
export function scanSegment(bytes: Buffer, recordMaxBytes: number): Scan {
  const payloads: Uint8Array[] = [];
  if (!bytes.subarray(0, HEADER_BYTES).equals(MAGIC)) {
    return { payloads, goodBytes: 0, damage: `no segment header at byte 0` };
  }
  let at = HEADER_BYTES;
  while (at < bytes.length) {
    const damage = damageAt(bytes, at, recordMaxBytes);
    if (damage !== undefined) return { payloads, goodBytes: at, damage: `${damage} at byte ${at}` };
    const end = at + FRAME_BYTES + bytes.readUInt32LE(at);
    payloads.push(bytes.subarray(at + FRAME_BYTES, end));
    at = end;
  }
  return { payloads, goodBytes: at, damage: undefined };
}

function damageAt(bytes: Buffer, at: number, recordMaxBytes: number): string | undefined {
  if (at + FRAME_BYTES > bytes.length) return "torn frame";
  const length = bytes.readUInt32LE(at);
  if (length > recordMaxBytes) return `record of ${length} bytes, more than ${recordMaxBytes},`;
  const end = at + FRAME_BYTES + length;
  if (end > bytes.length) return "torn record";
  if (crc32(bytes.subarray(at + FRAME_BYTES, end)) !== bytes.readUInt32LE(at + 4))
    return "wrong checksum";
  return undefined;
}
