/**
 * The bytes of a segment: a header, then records, each of a head, a key, what is said of the object, and its bodies. Numbers are
 * little-endian. Two checksums: one of head and key, so that an index can be made without reading bodies, and one of all the rest.
 *
 * head: [magic u32][crc of what follows, up to the end of the key u32][kind u8][0 u8][key bytes u16][meta bytes u32][body bytes u32]
 * [crc of meta and bodies u32][written, Unix ms f64]
 */
import { crc32 } from "node:zlib";

const SEGMENT_MAGIC = Buffer.from("GLDISK1\n", "latin1");
export const SEGMENT_HEADER_BYTES = 16;

const RECORD_MAGIC = 0x3143_5247;
export const HEAD_BYTES = 32;
export const KEY_MAX_BYTES = 65_535;

const CRC_AT = 4;
const CHECKED_FROM = 8;
const KEY_BYTES_AT = 10;
const META_BYTES_AT = 12;
const BODY_BYTES_AT = 16;
const CONTENT_CRC_AT = 20;
const WRITTEN_AT = 24;

export const OBJECT = 1;
/** The key has no object from here on. */
export const REMOVAL = 2;

/** The beginning of a segment; its number makes a renamed file known. */
export function segmentHeader(number: number): Buffer {
  const header = Buffer.alloc(SEGMENT_HEADER_BYTES);
  SEGMENT_MAGIC.copy(header);
  header.writeUInt32LE(number, SEGMENT_MAGIC.length);
  header.writeUInt32LE(crc32(header.subarray(0, 12)), 12);
  return header;
}

export const isHeaderOf = (header: Buffer, number: number): boolean =>
  header.equals(segmentHeader(number));

export interface Content {
  meta: Buffer;
  bodies: readonly Buffer[];
}

/** A record as buffers for one vectored write; bodies are not copied. @param content undefined: of a removal. */
export function frame(key: Buffer, content: Content | undefined, writtenUnixMs: number): Buffer[] {
  const { meta = NOTHING, bodies = [] } = content ?? {};
  const head = Buffer.allocUnsafeSlow(HEAD_BYTES + key.length + meta.length);
  head.writeUInt32LE(RECORD_MAGIC, 0);
  head[CHECKED_FROM] = content ? OBJECT : REMOVAL;
  head[CHECKED_FROM + 1] = 0;
  head.writeUInt16LE(key.length, KEY_BYTES_AT);
  head.writeUInt32LE(meta.length, META_BYTES_AT);
  head.writeUInt32LE(lengthOf(bodies), BODY_BYTES_AT);
  head.writeUInt32LE(
    bodies.reduce((crc, body) => crc32(body, crc), crc32(meta)),
    CONTENT_CRC_AT,
  );
  head.writeDoubleLE(writtenUnixMs, WRITTEN_AT);
  key.copy(head, HEAD_BYTES);
  meta.copy(head, HEAD_BYTES + key.length);
  head.writeUInt32LE(crc32(head.subarray(CHECKED_FROM, HEAD_BYTES + key.length)), CRC_AT);
  return [head, ...bodies.filter(({ length }) => length > 0)];
}

const NOTHING = Buffer.alloc(0);

export const lengthOf = (parts: readonly Buffer[]): number =>
  parts.reduce((sum, { length }) => sum + length, 0);

export interface Head {
  kind: typeof OBJECT | typeof REMOVAL;
  key: string;
  writtenUnixMs: number;
  /** Of the whole record. */
  bytes: number;
  metaFrom: number;
  bodyFrom: number;
}

/** How many bytes `headAt` needs; undefined: no record begins here. @param bytes at least HEAD_BYTES from there. */
export function headBytesAt(bytes: Buffer, at: number): number | undefined {
  if (bytes.readUInt32LE(at) !== RECORD_MAGIC) return undefined;
  return HEAD_BYTES + bytes.readUInt16LE(at + KEY_BYTES_AT);
}

/** Undefined: no true head stands here. @param bytes with the whole key. */
export function headAt(bytes: Buffer, at: number): Head | undefined {
  const headBytes = headBytesAt(bytes, at);
  if (headBytes === undefined || at + headBytes > bytes.length) return undefined;
  const crc = crc32(bytes.subarray(at + CHECKED_FROM, at + headBytes));
  if (crc !== bytes.readUInt32LE(at + CRC_AT)) return undefined;
  const kind = bytes[at + CHECKED_FROM];
  if (kind !== OBJECT && kind !== REMOVAL) return undefined;
  const bodyFrom = headBytes + bytes.readUInt32LE(at + META_BYTES_AT);
  return {
    kind,
    key: bytes.toString("utf8", at + HEAD_BYTES, at + headBytes),
    writtenUnixMs: bytes.readDoubleLE(at + WRITTEN_AT),
    bytes: bodyFrom + bytes.readUInt32LE(at + BODY_BYTES_AT),
    metaFrom: headBytes,
    bodyFrom,
  };
}

/** The head of a record that is whole and true. Undefined for any other bytes. */
export function wholeRecord(record: Buffer): Head | undefined {
  if (record.length < HEAD_BYTES) return undefined;
  const head = headAt(record, 0);
  if (!head || head.bytes !== record.length) return undefined;
  return crc32(record.subarray(head.metaFrom)) === record.readUInt32LE(CONTENT_CRC_AT)
    ? head
    : undefined;
}
