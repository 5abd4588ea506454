/**
 * Messages that nobody else can have made, whatever he can compute: Wegman and Carter 1981. The hash is a polynomial over the field of 2^127 - 1
 * (as in Bernstein 2005, "The Poly1305-AES message-authentication code", section 3, with another prime), whose point stays; each tag is hidden
 * by bits that are used once.
 */

import { timingSafeEqual } from "node:crypto";

const PRIME = 2n ** 127n - 1n;
/** Each with a 1 before it, so that what is as long as another and begins with zeros is another. */
const BLOCK_BYTES = 15;

/** Of the point and of each pad. */
export const TAG_BYTES = 16;

/** @param key where the polynomial is evaluated, 16 bytes that only the two ends know. */
export function hashed(message: Uint8Array, key: Uint8Array): Uint8Array {
  const point = numberOf(key) % PRIME;
  let sum = 0n;
  for (let at = 0; at < message.length; at += BLOCK_BYTES) {
    const block = message.subarray(at, at + BLOCK_BYTES);
    const marked = numberOf(block) | (1n << BigInt(8 * block.length));
    sum = ((sum + marked) * point) % PRIME;
  }
  return bytesOf(sum);
}

/** @param pad 16 bytes that only the two ends know, for this one message. */
export function tagged(message: Uint8Array, key: Uint8Array, pad: Uint8Array): Uint8Array {
  const tag = hashed(message, key);
  for (let at = 0; at < TAG_BYTES; at++) tag[at]! ^= pad[at]!;
  return tag;
}

/** In a time that does not depend on where they differ. */
export function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && timingSafeEqual(one, other);
}

function numberOf(bytes: Uint8Array): bigint {
  return bytes.length === 0 ? 0n : BigInt(`0x${Buffer.from(bytes).toString("hex")}`);
}

function bytesOf(number: bigint): Uint8Array {
  return Uint8Array.from(Buffer.from(number.toString(16).padStart(2 * TAG_BYTES, "0"), "hex"));
}
