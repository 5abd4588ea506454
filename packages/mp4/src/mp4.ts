/** Opens recordings, with just enough of ISO/IEC 14496-12 to say early and clearly that a file is not an MP4. */
import type { FileHandle } from "node:fs/promises";
import { open, stat } from "node:fs/promises";
import { basename, extname } from "node:path";

import { OperatorError, messageOf, systemCodeOf } from "@glassline/service/errors";

/** Programs hold a whole file in memory. */
const FILE_MAX_BYTES = 1_073_741_824;

const BOX_HEADER_BYTES = 16;
const BOXES_MAX = 10_000;
/** Types that may stand first in a file of the family. */
const FIRST_BOXES: ReadonlySet<string> = new Set(["ftyp", "moov", "mdat", "free", "skip", "wide"]);

/** The whole of an MP4. Fails with OperatorError when it is missing, too large or not an MP4. */
export async function readMp4(path: string): Promise<Buffer> {
  await using file = await openFile(path);
  const { size } = await file.stat();
  await checkMp4(file, path);
  if (size > FILE_MAX_BYTES) {
    throw new OperatorError(
      `${path}: got ${size} bytes, expected at most ${FILE_MAX_BYTES}. Cut the recording into parts.`,
    );
  }
  return file.readFile();
}

/** A camera's files: the same content in several qualities, the best first. */
export interface CameraFiles {
  /** Undefined: that of the first file. */
  name: string | undefined;
  paths: readonly string[];
}

/** The cameras that recordings stand for, and the names of their channels; equal ones are told apart. */
export function cameraIdsOf(recordings: readonly (string | CameraFiles)[]): string[] {
  return uniqueIds(
    recordings.map((recording) =>
      typeof recording === "string"
        ? cameraIdOf(recording)
        : (recording.name ?? cameraIdOf(recording.paths[0]!)),
    ),
  );
}

/** The same file given twice is two cameras: "clip", "clip-2". */
function uniqueIds(ids: readonly string[]): string[] {
  return ids.map((id, at) => {
    const before = ids.slice(0, at).filter((other) => other === id).length;
    return before === 0 ? id : `${id}-${before + 1}`;
  });
}

/** "/clips/My Clip.MP4" -> "my-clip" */
function cameraIdOf(path: string): string {
  const name = basename(path, extname(path)).toLowerCase();
  return name.replaceAll(/[^a-z0-9]+/g, "-").replaceAll(/^-|-$/g, "") || "recording";
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    // Opening a pipe would wait for its writer.
    const information = await stat(path);
    if (!information.isFile())
      throw new OperatorError(
        `${path}: not an MP4: it is ${information.isDirectory() ? "a folder" : "not a file"}. Give a recording as the camera wrote it.`,
      );
    return await open(path, "r");
  } catch (error) {
    if (error instanceof OperatorError) throw error;
    const missing = systemCodeOf(error) === "ENOENT";
    throw new OperatorError(
      `${path}: ${missing ? "no such file" : `cannot be read (${messageOf(error)})`}. Check --camera.`,
      { cause: error },
    );
  }
}

/** Walks the top-level boxes. Fails with OperatorError unless the file is a whole MP4 with a `moov` box. */
async function checkMp4(file: FileHandle, path: string): Promise<void> {
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
