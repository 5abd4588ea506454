/** Just enough of ISO/IEC 14496-12 to say early and clearly that a file is not an MP4. */
import type { FileHandle } from "node:fs/promises";

import { OperatorError } from "@glassline/service/errors";

const BOX_HEADER_BYTES = 16;
const BOXES_MAX = 10_000;
/** Types that may stand first in a file of the family. */
const FIRST_BOXES: ReadonlySet<string> = new Set(["ftyp", "moov", "mdat", "free", "skip", "wide"]);

/** Walks the top-level boxes. Fails with OperatorError unless the file is a whole MP4 with a `moov` box. */
export async function checkMp4(file: FileHandle, path: string): Promise<void> {
  const { size } = await file.stat();
  let [at, hasMovie] = [0, false];
  for (let box = 0; at < size && box < BOXES_MAX; box++) {
    const { type, length } = await readBox(file, at, size);
    if (box === 0 && !FIRST_BOXES.has(type))
      throw notMp4(path, `where an MP4 says what it is, it has ${describe(type)}`);
    if (length < 8 || at + length > size)
      throw notMp4(path, `box ${describe(type)} at byte ${at} is cut off: the file is torn`);
    hasMovie ||= type === "moov";
    at += length;
  }
  if (size === 0) throw notMp4(path, "it is empty");
  if (!hasMovie) throw notMp4(path, "it has no moov box");
}

async function readBox(
  file: FileHandle,
  at: number,
  size: number,
): Promise<{ type: string; length: number }> {
  const header = Buffer.alloc(BOX_HEADER_BYTES);
  await file.read(header, 0, BOX_HEADER_BYTES, at);
  const type = header.toString("latin1", 4, 8);
  const short = header.readUInt32BE(0);
  if (short === 1) return { type, length: Number(header.readBigUInt64BE(8)) };
  return { type, length: short === 0 ? size - at : short };
}

function describe(type: string): string {
  return JSON.stringify(type.replaceAll(/[^\x20-\x7e]/g, "?"));
}

function notMp4(path: string, reason: string): OperatorError {
  return new OperatorError(
    `${path}: not an MP4: ${reason}. Give a recording as the camera wrote it.`,
  );
}
