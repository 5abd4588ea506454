/** From so many on `set` is faster than a loop. */
const SET_BYTES = 32;

/** Bytes that are written one after another; room is made before. */
export class ByteSink {
  #bytes: Uint8Array;
  #at = 0;

  constructor(roomBytes: number) {
    this.#bytes = new Uint8Array(roomBytes);
  }

  get length(): number {
    return this.#at;
  }

  /** Room for so many bytes more; the writing methods count on it. */
  reserve(bytes: number): void {
    if (this.#at + bytes <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#at + bytes, 2 * this.#bytes.length));
    grown.set(this.#bytes.subarray(0, this.#at));
    this.#bytes = grown;
  }

  /** A field of bytes of this length begins; or a varint field of this value. */
  prefix(tag: number, length: number): void {
    this.#bytes[this.#at++] = tag;
    let rest = length;
    for (; rest > 0x7f; rest = Math.floor(rest / 0x80))
      this.#bytes[this.#at++] = (rest % 0x80) | 0x80;
    this.#bytes[this.#at++] = rest;
  }

  /** A text of so many bytes, as `utf8Bytes` tells them. */
  text(tag: number, text: string, length: number): void {
    this.prefix(tag, length);
    if (length !== text.length) return this.raw(new TextEncoder().encode(text));
    const out = this.#bytes;
    let at = this.#at;
    for (let one = 0; one < length; one++) out[at++] = text.charCodeAt(one);
    this.#at = at;
  }

  /** A number of two words, least first. */
  fixed64(tag: number, low: number, high: number): void {
    this.#bytes[this.#at++] = tag;
    this.#word(low);
    this.#word(high);
  }

  raw(bytes: Uint8Array): void {
    if (bytes.length < SET_BYTES) return this.copy(bytes, 0, bytes.length);
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  /** A loop is faster than `set` for as few bytes as these are. */
  copy(bytes: Uint8Array, from: number, to: number): void {
    const out = this.#bytes;
    let at = this.#at;
    for (let one = from; one < to; one++) out[at++] = bytes[one]!;
    this.#at = at;
  }

  /** What was written, without a copy: nothing more is written. */
  whole(): Uint8Array {
    return this.#bytes.subarray(0, this.#at);
  }

  #word(word: number): void {
    const at = this.#at;
    this.#bytes[at] = word;
    this.#bytes[at + 1] = word >>> 8;
    this.#bytes[at + 2] = word >>> 16;
    this.#bytes[at + 3] = word >>> 24;
    this.#at = at + 4;
  }

  /** What was written, as a copy; begins anew. */
  take(): Uint8Array {
    const taken = this.#bytes.slice(0, this.#at);
    this.#at = 0;
    return taken;
  }
}

/** Bytes of a tag below 16, a length, and what is that long. */
export function fieldBytes(length: number): number {
  return prefixBytes(length) + length;
}

/** Bytes of a tag below 16, and a length. */
export function prefixBytes(length: number): number {
  let bytes = 2;
  for (let rest = length; rest > 0x7f; rest = Math.floor(rest / 0x80)) bytes++;
  return bytes;
}

/** Of a text in UTF-8. Most are ASCII. */
export function utf8Bytes(text: string): number {
  for (let at = 0; at < text.length; at++)
    if (text.charCodeAt(at) > 0x7f) return new TextEncoder().encode(text).length;
  return text.length;
}
