/** A part of a resource that stands for itself (EXT-X-BYTERANGE, section 4.4.4.2; BYTERANGE of EXT-X-MAP, section 4.4.4.5, and EXT-X-PART, section 4.4.4.9). Pure. */

export interface ByteRange {
  /** Of its first byte. */
  offset: number;
  length: number;
}

/** As m3u8-parser gives it: where no offset is written, it begins behind the one before. */
export interface ByteRangeManifest {
  offset?: number;
  length?: number;
}

/** Undefined: the whole resource. */
export function byteRangeOf({ offset, length }: ByteRangeManifest = {}): ByteRange | undefined {
  if (!isCount(offset) || !isCount(length) || length === 0) return undefined;
  return { offset, length };
}

const isCount = (value: number | undefined): value is number =>
  value !== undefined && Number.isSafeInteger(value) && value >= 0;

/** As it is written behind EXT-X-BYTERANGE: "100@0". */
export const byteRangeText = ({ offset, length }: ByteRange): string => `${length}@${offset}`;

/** Value of the field Range (RFC 9110 section 14.2): "bytes=100-199". */
export const rangeField = ({ offset, length }: ByteRange): string =>
  `bytes=${offset}-${offset + length - 1}`;
