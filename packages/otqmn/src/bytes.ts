/** Reading and writing of the codec's primitive values, with every length checked before it is believed. */
import { isUtf8 } from "node:buffer";

/** The bytes are not what the format says, or break a limit. The message says what, what was got, what was expected. */
export class CodecError extends Error {
  override readonly name: string = "CodecError";
}

const INITIAL_BYTES = 4_096;
/** Up to here a loop is faster than `set`. */
const LOOP_BYTES = 128;

export class ByteWriter {
  #bytes = new Uint8Array(INITIAL_BYTES);
  #length = 0;

  /** An unsigned number below 2^53, 7 bits a byte, least first. */
  varint(value: number): void {
    this.#reserve(8);
    let rest = value;
    while (rest >= 0x80) {
      this.#bytes[this.#length++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#bytes[this.#length++] = rest;
  }

  /** A signed 64-bit number, zigzag, 7 bits a byte, least first. */
  signedVarint64(value: bigint): void {
    this.#reserve(10);
    let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
    while (rest >= 0x80n) {
      this.#bytes[this.#length++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.#bytes[this.#length++] = Number(rest);
  }

  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** With their length before them. */
  part(bytes: Uint8Array): void {
    this.varint(bytes.length);
    this.raw(bytes);
  }

  text(text: string): void {
    this.part(Buffer.from(text, "utf8"));
  }

  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + count));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}

export class ByteReader {
  readonly #bytes: Uint8Array;
  #at: number;
  readonly #end: number;

  constructor(bytes: Uint8Array, from = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#at = from;
    this.#end = end;
  }

  get remaining(): number {
    return this.#end - this.#at;
  }

  byte(what: string): number {
    if (this.#at === this.#end)
      throw new CodecError(`${what}: got the end of the bytes, expected a number`);
    return this.#bytes[this.#at++]!;
  }

  varint(what: string): number {
    let value = 0;
    for (let shift = 1; shift <= 2 ** 49; shift *= 0x80) {
      const byte = this.byte(what);
      value += (byte & 0x7f) * shift;
      if (byte < 0x80) return this.#safe(value, what);
    }
    throw new CodecError(`${what}: got a varint that does not end, expected at most 8 bytes`);
  }

  /** A varint that counts things, of which there can be at most `max`. */
  count(what: string, max: number): number {
    const count = this.varint(what);
    if (count > max) throw new CodecError(`${what}: got ${count}, expected at most ${max}`);
    return count;
  }

  signedVarint64(what: string): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.byte(what);
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asIntN(64, (value >> 1n) ^ -(value & 1n));
    }
    throw new CodecError(`${what}: got a varint that does not end, expected at most 10 bytes`);
  }

  raw(length: number, what: string): Uint8Array {
    const from = this.#skip(length, what);
    return this.#bytes.subarray(from, this.#at);
  }

  /** Writes so many bytes to the beginning of another array. */
  copy(into: Uint8Array, length: number, what: string): void {
    const from = this.#skip(length, what);
    if (length > LOOP_BYTES) into.set(this.#bytes.subarray(from, this.#at));
    else for (let at = 0; at < length; at++) into[at] = this.#bytes[from + at]!;
  }

  /** Bytes with their length before them. */
  part(what: string, maxBytes = this.remaining): Uint8Array {
    return this.raw(this.count(`${what} length`, maxBytes), what);
  }

  /** The same, to be read by itself. */
  partReader(what: string): ByteReader {
    const from = this.#skip(this.count(`${what} length`, this.remaining), what);
    return new ByteReader(this.#bytes, from, this.#at);
  }

  text(what: string, maxBytes: number): string {
    const bytes = this.part(what, maxBytes);
    if (!isUtf8(bytes)) throw new CodecError(`${what}: got bytes that are not UTF-8`);
    return Buffer.from(bytes).toString("utf8");
  }

  /** Things with their count before them: at most `max`, and at most one a byte. */
  list<T>(what: string, max: number, read: () => T): T[] {
    return Array.from({ length: this.count(what, Math.min(max, this.remaining)) }, read);
  }

  /** Throws CodecError unless everything has been read. */
  end(what: string): void {
    if (this.remaining > 0)
      throw new CodecError(`${what}: got ${this.remaining} bytes after its end, expected none`);
  }

  /** @returns where they begin. */
  #skip(length: number, what: string): number {
    if (length > this.remaining)
      throw new CodecError(`${what}: got ${this.remaining} bytes, expected ${length}`);
    this.#at += length;
    return this.#at - length;
  }

  #safe(value: number, what: string): number {
    if (value > Number.MAX_SAFE_INTEGER)
      throw new CodecError(`${what}: got ${value}, expected a number below 2^53`);
    return value;
  }
}
