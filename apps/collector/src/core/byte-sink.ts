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

  /** A field of bytes of this length begins. */
  prefix(tag: number, length: number): void {
    this.#bytes[this.#at++] = tag;
    let rest = length;
    for (; rest > 0x7f; rest = Math.floor(rest / 0x80))
      this.#bytes[this.#at++] = (rest % 0x80) | 0x80;
    this.#bytes[this.#at++] = rest;
  }

  raw(bytes: Uint8Array): void {
    this.copy(bytes, 0, bytes.length);
  }

  /** A loop is faster than `set` for as few bytes as these are. */
  copy(bytes: Uint8Array, from: number, to: number): void {
    const out = this.#bytes;
    let at = this.#at;
    for (let one = from; one < to; one++) out[at++] = bytes[one]!;
    this.#at = at;
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
  let bytes = 2 + length;
  for (let rest = length; rest > 0x7f; rest = Math.floor(rest / 0x80)) bytes++;
  return bytes;
}
