/** Files that edges write their logs to. */
import type { FileHandle } from "node:fs/promises";
import { mkdir, open, rename, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { systemCodeOf } from "@glassline/service/errors";

const LOG_MAX_BYTES = 8_388_608;
/** Of a container that is removed, so much of its log is kept. */
export const KEPT_LINES = 1_000;
/** Of the end of a log, as much is looked at for its last lines. */
const TAIL_MAX_BYTES = 1_048_576;

const pathOf = (directory: string, name: string) => join(directory, `${name}.log`);

/** That an edge may have. */
export const logFilesOf = (directory: string, name: string): string[] => {
  const path = pathOf(directory, name);
  return [path, `${path}.1`];
};

/** Appends; a log that has grown large makes room for a new one first. */
export async function openLog(directory: string, name: string): Promise<FileHandle> {
  await mkdir(directory, { recursive: true });
  const path = pathOf(directory, name);
  const size = await stat(path).then(
    (information) => information.size,
    () => 0,
  );
  if (size > LOG_MAX_BYTES) await rename(path, `${path}.1`);
  return open(path, "a", 0o600);
}

/** Instead of what was kept before: the log of a container that is removed. */
export async function keepLog(directory: string, name: string, text: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  await writeFile(pathOf(directory, name), text, { mode: 0o600 });
}

/** Oldest first; none of an edge that has written nothing. @param maxLines at most so many, and no more than 1 MiB. */
export async function lastLines(
  directory: string,
  name: string,
  maxLines: number,
): Promise<string[]> {
  try {
    await using file = await open(pathOf(directory, name), "r");
    const { size } = await file.stat();
    const length = Math.min(size, TAIL_MAX_BYTES);
    const { buffer } = await file.read(Buffer.alloc(length), 0, length, size - length);
    return linesOf(buffer.toString("utf8"), length < size).slice(-maxLines);
  } catch (error) {
    if (systemCodeOf(error) === "ENOENT") return [];
    throw error;
  }
}

/** @param isCut its first line has no beginning. */
export function linesOf(text: string, isCut = false): string[] {
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  return isCut ? lines.slice(1) : lines;
}
