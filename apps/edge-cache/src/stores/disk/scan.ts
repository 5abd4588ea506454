/** Heads of records one after another, without reading bodies that are large. */
import type { Head } from "./record.ts";
import { HEAD_BYTES, KEY_MAX_BYTES, headAt, headBytesAt } from "./record.ts";
import type { Segment } from "./segment.ts";

const CHUNK_BYTES = 1_048_576;
const HEAD_MAX_BYTES = HEAD_BYTES + KEY_MAX_BYTES;

/** Up to the first record that is not true, or not all there. @returns where that is: the end of the last one that is. */
export async function scanHeads(
  segment: Segment,
  fromOffset: number,
  signal: AbortSignal,
  visit: (head: Head, offset: number) => void,
): Promise<number> {
  const memory = Buffer.allocUnsafe(CHUNK_BYTES);
  const endOffset = segment.bytes;
  let chunk: Buffer = memory.subarray(0, 0);
  let chunkOffset = fromOffset;
  let offset = fromOffset;
  while (offset + HEAD_BYTES <= endOffset) {
    const left = chunkOffset + chunk.length - offset;
    if (left < HEAD_BYTES || left < Math.min(HEAD_MAX_BYTES, endOffset - offset)) {
      signal.throwIfAborted();
      chunk = await segment.read(memory, offset);
      chunkOffset = offset;
    }
    const head = trueHead(chunk, offset - chunkOffset);
    if (!head || offset + head.bytes > endOffset) break;
    visit(head, offset);
    offset += head.bytes;
  }
  return offset;
}

function trueHead(chunk: Buffer, at: number): Head | undefined {
  if (at + HEAD_BYTES > chunk.length || headBytesAt(chunk, at) === undefined) return undefined;
  return headAt(chunk, at);
}
