/** Bits behind one another, least significant first. */
import type { ByteReader } from "../bytes.ts";
import { CodecError } from "../bytes.ts";
import { grown } from "./grown.ts";

const INITIAL_BYTES = 256;
const PADDING_BYTES = 4;

export class BitWriter {
  #bytes = new Uint8Array(INITIAL_BYTES);
  #length = 0;
  #pending = 0;
  #pendingBits = 0;

  /** @param count 0 to 24. @param value below 2^count. */
  write(value: number, count: number): void {
    this.#pending |= value << this.#pendingBits;
    this.#pendingBits += count;
    while (this.#pendingBits >= 8) {
      this.#push(this.#pending & 0xff);
      this.#pending >>>= 8;
      this.#pendingBits -= 8;
    }
  }

  /** @param count 0 to 53. @param value a whole number below 2^count. */
  writeWide(value: number, count: number): void {
    let [rest, left] = [value, count];
    while (left > 24) {
      this.write(rest % 16_777_216, 24);
      rest = Math.floor(rest / 16_777_216);
      left -= 24;
    }
    this.write(rest, left);
  }

  word(value: number): void {
    this.write(value & 0xffff, 16);
    this.write(value >>> 16, 16);
  }

  /** All bits so far, filled up to whole bytes; the writer begins anew. */
  take(): Uint8Array {
    if (this.#pendingBits > 0) this.#push(this.#pending & 0xff);
    const bytes = this.#bytes.slice(0, this.#length);
    this.#length = this.#pending = this.#pendingBits = 0;
    return bytes;
  }

  #push(byte: number): void {
    if (this.#length === this.#bytes.length) this.#bytes = grown(this.#bytes, 0);
    this.#bytes[this.#length++] = byte;
  }
}

/** Of the batch that is read: one is read at a time. */
let memory = new Uint8Array(1_024);

/** Reads without looking whether there is anything left: behind the end are zeros, and `end` notices. */
export class BitReader {
  readonly #bytes: Uint8Array;
  readonly #length: number;
  /** In bits. */
  #at = 0;

  /** @param what their name, for errors. Throws CodecError. */
  constructor(reader: ByteReader, what: string) {
    this.#length = reader.count(`${what} length`, reader.remaining);
    const withPadding = this.#length + PADDING_BYTES;
    if (memory.length < withPadding) memory = new Uint8Array(2 * withPadding);
    reader.copy(memory, this.#length, what);
    memory.fill(0, this.#length, withPadding);
    this.#bytes = memory;
  }

  /** @param count 0 to 24. */
  read(count: number): number {
    const bytes = this.#bytes;
    const at = this.#at;
    const byte = Math.min(at >>> 3, this.#length);
    const word =
      bytes[byte]! | (bytes[byte + 1]! << 8) | (bytes[byte + 2]! << 16) | (bytes[byte + 3]! << 24);
    this.#at = at + count;
    return (word >>> (at & 7)) & ((1 << count) - 1);
  }

  /** @param count 0 to 53. */
  readWide(count: number): number {
    let [value, scale, left] = [0, 1, count];
    while (left > 24) {
      value += scale * this.read(24);
      scale *= 16_777_216;
      left -= 24;
    }
    return value + scale * this.read(left);
  }

  word(): number {
    return this.read(16) + this.read(16) * 65_536;
  }

  /** Throws CodecError unless all whole bytes have been read, and not more, and the bits left over are 0. */
  end(): void {
    const read = Math.ceil(this.#at / 8);
    if (read !== this.#length)
      throw new CodecError(`bits: got ${this.#length} bytes, expected ${read}`);
    if (this.#at % 8 > 0 && this.#bytes[read - 1]! >>> (this.#at % 8) !== 0)
      throw new CodecError("bits: got others than 0 behind the last one");
  }
}
