/** UUIDs that follow from names: version 5. Pure. Source: RFC 9562 section 5.5. */

/** SHA-1 of a text in UTF-8: 20 bytes. */
export type Sha1 = (text: Uint8Array) => Uint8Array;

/** Of this app's names; chosen once at random. */
const NAMESPACE = Buffer.from("8c1f3f0e5d0a4b6d9b7e2a64c0d1e5f7", "hex");

/** @param names joined so that no two lists of names are the same text. @returns upper case, as Apple writes them. */
export function uuid5(sha1: Sha1, ...names: readonly string[]): string {
  const bytes = Buffer.from(
    sha1(Buffer.concat([NAMESPACE, Buffer.from(JSON.stringify(names))])).subarray(0, 16),
  );
  bytes[6] = (bytes[6]! & 0x0f) | 0x50;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = bytes.toString("hex").toUpperCase();
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20),
  ].join("-");
}
