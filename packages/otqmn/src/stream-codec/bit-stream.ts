/** Bits behind one another, least significant first. */
import { CodecError } from "../bytes.ts";

const INITIAL_BYTES = 256;
const WORD = 4_294_967_296;

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
    if (this.#length === this.#bytes.length) {
      const grown = new Uint8Array(2 * this.#length);
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    this.#bytes[this.#length++] = byte;
  }
}

export class BitReader {
  readonly #bytes: Uint8Array;
  #at = 0;
  #pending = 0;
  #pendingBits = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** @param count 0 to 24. Throws CodecError behind the end. */
  read(count: number): number {
    while (this.#pendingBits < count) {
      if (this.#at === this.#bytes.length)
        throw new CodecError("bits: got the end of the bytes, expected more");
      this.#pending |= this.#bytes[this.#at++]! << this.#pendingBits;
      this.#pendingBits += 8;
    }
    const value = this.#pending & ((1 << count) - 1);
    this.#pending >>>= count;
    this.#pendingBits -= count;
    return value;
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
    return ((this.read(16) + this.read(16) * 65_536) % WORD) >>> 0;
  }

  /** Throws CodecError when whole bytes are left. */
  end(): void {
    const left = this.#bytes.length - this.#at;
    if (left > 0) throw new CodecError(`bits: got ${left} bytes too many, expected none`);
  }
}
