/** How large a PNG is. Pure. Source: https://www.w3.org/TR/png-3/#11IHDR */

export const PNG_SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const HEADER_BYTES = 33;
const END = "IEND";

/** In pixels; undefined: it is no whole PNG. */
export function pngSize(bytes: Uint8Array): { width: number; height: number } | undefined {
  const png = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (png.length < HEADER_BYTES || !png.subarray(0, 8).equals(PNG_SIGNATURE)) return undefined;
  const ends = png.toString("latin1", png.length - 8, png.length - 4) === END;
  if (!ends || png.toString("latin1", 12, 16) !== "IHDR") return undefined;
  return { width: png.readUInt32BE(16), height: png.readUInt32BE(20) };
}
