/**
 * Snappy's block format. Source: https://github.com/google/snappy/blob/main/format_description.txt
 * The length at the head of a block is checked before anything is allocated.
 */
import { RequestError } from "./errors.ts";

const LENGTH_MAX_BYTES = 5;
/** Copies reach back no further than this, so that an offset fits into two bytes. */
const WINDOW_BYTES = 32_768;
const HASH_BITS = 14;
const MATCH_MIN_BYTES = 4;
/** The last bytes of a block are never the beginning of a match. */
const TAIL_BYTES = 15;
const LITERAL_MAX_IN_TAG = 60;
const COPY_MAX_BYTES = 64;

const bad = (message: string) => new RequestError("malformed", `snappy: ${message}`);

/** How many bytes would come out. Throws RequestError: "too-large" when they are more than `maxBytes`, "malformed" when it is no block. */
export function decompressedBytes(block: Uint8Array, maxBytes: number): number {
  const { length } = readLength(block);
  if (length > maxBytes)
    throw new RequestError(
      "too-large",
      `snappy: got a block of ${length} bytes, expected at most ${maxBytes}`,
    );
  return length;
}

/** Throws RequestError, as `decompressedBytes`. */
export function decompress(block: Uint8Array, maxBytes: number): Uint8Array {
  return expand(block, readLength(block).at, decompressedBytes(block, maxBytes));
}

function readLength(block: Uint8Array): { length: number; at: number } {
  let length = 0;
  for (let at = 0; at < LENGTH_MAX_BYTES; at++) {
    const byte = block[at];
    if (byte === undefined) throw bad("got the end of the block, expected its length");
    length += (byte & 0x7f) * 2 ** (7 * at);
    if (byte < 0x80 && length < 2 ** 32) return { length, at: at + 1 };
  }
  throw bad("got a length of more than 32 bits, expected at most 32");
}

function expand(block: Uint8Array, start: number, length: number): Uint8Array {
  // A copy of 64 bytes takes at least 2, so a length that lies is found before the memory for it is taken.
  if (length > (block.length - start) * COPY_MAX_BYTES)
    throw bad(`got ${block.length - start} bytes, expected enough for ${length}`);
  const output = new Uint8Array(length);
  let [at, end] = [start, 0];
  while (at < block.length) {
    const tag = block[at++]!;
    if ((tag & 3) === 0) {
      const extra = Math.max(0, (tag >> 2) - LITERAL_MAX_IN_TAG + 1);
      const count = extra === 0 ? (tag >> 2) + 1 : littleEndian(block, at, extra) + 1;
      at += extra;
      if (count > block.length - at || count > length - end)
        throw bad(`got a literal of ${count} bytes, expected it to fit`);
      output.set(block.subarray(at, at + count), end);
      [at, end] = [at + count, end + count];
    } else {
      const width = (tag & 3) === 3 ? 4 : tag & 3;
      const low = littleEndian(block, at, width);
      at += width;
      const offset = width === 1 ? ((tag >> 5) << 8) | low : low;
      const count = width === 1 ? ((tag >> 2) & 7) + MATCH_MIN_BYTES : (tag >> 2) + 1;
      if (offset === 0 || offset > end || count > length - end)
        throw bad(`got a copy of ${count} bytes from ${offset} back, expected it to fit`);
      repeat(output, end, offset, count);
      end += count;
    }
  }
  if (end !== length) throw bad(`got ${end} bytes, expected ${length} as its head says`);
  return output;
}

function littleEndian(block: Uint8Array, at: number, width: number): number {
  if (at + width > block.length) throw bad("got the end of the block, expected an element");
  let value = 0;
  for (let byte = width - 1; byte >= 0; byte--) value = value * 256 + block[at + byte]!;
  return value;
}

/** A copy may overlap what it writes: then it repeats. */
function repeat(output: Uint8Array, end: number, offset: number, count: number): void {
  if (offset >= count) output.copyWithin(end, end - offset, end - offset + count);
  else for (let at = end; at < end + count; at++) output[at] = output[at - offset]!;
}

/** A block that any reader of Snappy takes. */
export function compress(input: Uint8Array): Uint8Array {
  const output = new BlockWriter(input);
  const positions = new Int32Array(1 << HASH_BITS).fill(-1);
  let at = 0;
  let literalStart = 0;
  while (at < input.length - TAIL_BYTES) {
    const word = wordAt(input, at);
    const slot = Math.imul(word, 0x1e35_a7bd) >>> (32 - HASH_BITS);
    const candidate = positions[slot]!;
    positions[slot] = at;
    if (candidate < 0 || at - candidate >= WINDOW_BYTES || wordAt(input, candidate) !== word) {
      // What does not compress is passed over in growing steps.
      at += 1 + ((at - literalStart) >> 5);
      continue;
    }
    output.literal(literalStart, at);
    const end = matchEnd(input, candidate + MATCH_MIN_BYTES, at + MATCH_MIN_BYTES);
    output.copy(at - candidate, end - at);
    [at, literalStart] = [end, end];
  }
  output.literal(literalStart, input.length);
  return output.finish();
}

const wordAt = (bytes: Uint8Array, at: number) =>
  bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);

function matchEnd(input: Uint8Array, from: number, at: number): number {
  let end = at;
  while (end < input.length && input[from + end - at] === input[end]) end++;
  return end;
}

class BlockWriter {
  readonly #input: Uint8Array;
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(input: Uint8Array) {
    this.#input = input;
    // A literal costs at most 5 bytes, and a match between two is 4 long and costs 3.
    this.#bytes = new Uint8Array(32 + input.length + Math.ceil(input.length / 6));
    let rest = input.length;
    for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) this.#put((rest % 0x80) | 0x80);
    this.#put(rest);
  }

  literal(start: number, end: number): void {
    const count = end - start;
    if (count === 0) return;
    const least = count - 1;
    const extra = least < LITERAL_MAX_IN_TAG ? 0 : Math.ceil((32 - Math.clz32(least)) / 8);
    this.#put((extra === 0 ? least : LITERAL_MAX_IN_TAG - 1 + extra) << 2);
    for (let byte = 0; byte < extra; byte++) this.#put((least >>> (8 * byte)) & 0xff);
    this.#bytes.set(this.#input.subarray(start, end), this.#at);
    this.#at += count;
  }

  copy(offset: number, length: number): void {
    for (let rest = length; rest > 0;) {
      // What is left over must not be shorter than a match.
      const count = rest > COPY_MAX_BYTES ? Math.min(COPY_MAX_BYTES, rest - MATCH_MIN_BYTES) : rest;
      this.#put(((count - 1) << 2) | 2);
      this.#put(offset & 0xff);
      this.#put(offset >> 8);
      rest -= count;
    }
  }

  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#at);
  }

  #put(byte: number): void {
    this.#bytes[this.#at++] = byte;
  }
}
