/**
 * One-time pads (Vernam 1926; Shannon 1949): both ends have the same secret bytes in the same places, each is added to one byte of one message, and
 * wiped. They hide; that nothing was changed on the way is for others to see to (records.ts).
 */
import { KeyPool } from "./key-pool.ts";

/** Bytes under a pad. */
export interface Padded {
  /** Of the first byte in the pad, from 0. */
  readonly at: number;
  readonly bytes: Uint8Array;
}

/** Of the end that sends: from the first byte to the last. */
export class Pad {
  readonly #pool = new KeyPool();

  /** Bytes that were not used. */
  get left(): number {
    return this.#pool.bytes;
  }

  get used(): number {
    return this.#pool.taken;
  }

  /** At its end. The key is the pad's from now on. */
  add(key: Uint8Array): void {
    this.#pool.add(key);
  }

  /** Throws RangeError when there is less of the pad than of the bytes. */
  seal(bytes: Uint8Array): Padded {
    const at = this.#pool.taken;
    const pad = this.#pool.take(bytes.length);
    if (!pad) throw new RangeError(`pad: got ${this.left} bytes, expected ${bytes.length}`);
    return { at, bytes: addTo(pad, bytes) };
  }

  wipe(): void {
    this.#pool.wipe();
  }
}

interface Page {
  at: number;
  pad: Uint8Array;
  /** 1: that byte was used. */
  used: Uint8Array;
  left: number;
}

/** Of the end that receives: in any order, each byte once. */
export class PadReader {
  #pages: Page[] = [];
  #end = 0;
  /** Bytes that were not used, and those that were. */
  left = 0;
  used = 0;

  /** At its end. The key is the pad's from now on. */
  add(key: Uint8Array): void {
    const left = key.length;
    this.#pages.push({ at: this.#end, pad: key, used: new Uint8Array(left), left });
    this.#end += left;
    this.left += left;
  }

  /** What was added last, so many bytes, is not in the pad. Nobody has used it. */
  retract(bytes: number): void {
    this.#end -= bytes;
    this.left -= bytes;
    for (const { at, pad } of this.#pages) if (at >= this.#end) pad.fill(0);
    this.#pages = this.#pages.filter(({ at }) => at < this.#end);
  }

  /** Undefined: some of these bytes are not in the pad, or were used. */
  open({ at, bytes }: Padded): Uint8Array | undefined {
    const end = at + bytes.length;
    const pages = this.#pages.filter((page) => page.at < end && at < page.at + page.pad.length);
    const covered = pages.map((page) => ({
      page,
      from: Math.max(0, at - page.at),
      to: Math.min(page.pad.length, end - page.at),
    }));
    const known = covered.reduce((sum, { from, to }) => sum + to - from, 0);
    const isUsed = covered.some(({ page, from, to }) => page.used.subarray(from, to).includes(1));
    if (known !== bytes.length || isUsed) return undefined;
    const opened = new Uint8Array(bytes.length);
    for (const { page, from, to } of covered) {
      opened.set(page.pad.subarray(from, to), page.at + from - at);
      page.pad.fill(0, from, to);
      page.used.fill(1, from, to);
      page.left -= to - from;
    }
    this.left -= bytes.length;
    this.used += bytes.length;
    this.#pages = this.#pages.filter(({ left }) => left > 0);
    return addTo(opened, bytes);
  }

  wipe(): void {
    for (const { pad } of this.#pages) pad.fill(0);
    this.#pages = [];
    this.left = 0;
  }
}

/** Modulo 2, bit by bit. @returns `pad`, changed. */
function addTo(pad: Uint8Array, bytes: Uint8Array): Uint8Array {
  for (let index = 0; index < pad.length; index++) pad[index]! ^= bytes[index]!;
  return pad;
}
