/** Segments as files of a folder: listing, making, recovering. */
import type { FileHandle } from "node:fs/promises";
import { open, readFile, readdir, rename, rm, stat, truncate } from "node:fs/promises";
import { dirname, join } from "node:path";

import { FRAME_BYTES, HEADER_BYTES, frameRecords, scanSegment, segmentHeader } from "./record.ts";

export interface Segment {
  path: string;
  firstIndex: number;
  bytes: number;
}

/** Where the segment that begins with an index lies. */
export function segmentPath(directory: string, firstIndex: number): string {
  return join(directory, `${String(firstIndex).padStart(16, "0")}.seg`);
}

export interface Recovered {
  segments: Segment[];
  active: FileHandle;
  nextIndex: number;
  /** The last segment had a torn tail and takes no more records: an index that leaps over the tail's is believed at a segment's start only. */
  isTorn: boolean;
  /** What was found and mended, for people. */
  findings: string[];
}

/** Opens the last segment for appending, behind its last true record; makes the first segment of an empty folder. */
export async function recoverSegments(
  directory: string,
  recordMaxBytes: number,
): Promise<Recovered> {
  const segments = await listSegments(directory);
  const last = segments.at(-1);
  if (!last) {
    const { segment, handle } = await createSegment(directory, 1);
    return { segments: [segment], active: handle, nextIndex: 1, isTorn: false, findings: [] };
  }
  const { payloads, goodBytes, damage } = scanSegment(await readFile(last.path), recordMaxBytes);
  const findings = damage.map((what) => `${last.path}: ${what}`);
  const cutBytes = last.bytes - goodBytes;
  if (cutBytes > 0) {
    findings.push(`${last.path}: torn tail: cut ${cutBytes} bytes behind the last whole record`);
    await truncate(last.path, goodBytes);
  }
  const active = await openForAppend(last.path, goodBytes < HEADER_BYTES);
  last.bytes = Math.max(goodBytes, HEADER_BYTES);
  // Records in the tail had indexes that somebody may have seen: they are not given again.
  const tailRecords = Math.ceil(cutBytes / FRAME_BYTES);
  const lastIndex = [...payloads.keys()].at(-1) ?? last.firstIndex - 1;
  const nextIndex = lastIndex + 1 + tailRecords;
  return { segments, active, nextIndex, isTorn: cutBytes > 0, findings };
}

async function openForAppend(path: string, needsHeader: boolean): Promise<FileHandle> {
  const handle = await open(path, "a");
  return closingOnError(handle, async () => {
    if (needsHeader) await handle.write(segmentHeader());
    await handle.datasync();
    return handle;
  });
}

async function listSegments(directory: string): Promise<Segment[]> {
  const names = (await readdir(directory)).filter((name) => /^\d{16}\.seg$/.test(name)).toSorted();
  return Promise.all(
    names.map(async (name) => {
      const path = join(directory, name);
      return { path, firstIndex: Number.parseInt(name, 10), bytes: (await stat(path)).size };
    }),
  );
}

/** A new segment, synced, with its checkpoint as the first record if there is one. Leaves nothing behind when it fails. */
export async function createSegment(
  directory: string,
  firstIndex: number,
  checkpoint?: Uint8Array,
): Promise<{ segment: Segment; handle: FileHandle }> {
  const path = segmentPath(directory, firstIndex);
  const handle = await open(path, "a");
  try {
    return await closingOnError(handle, async () => {
      await handle.truncate(0);
      const parts = [
        segmentHeader(),
        ...(checkpoint ? frameRecords(firstIndex, [checkpoint]) : []),
      ];
      const bytes = await writeWhole(handle, parts);
      await handle.datasync();
      await syncDirectory(directory);
      return { segment: { path, firstIndex, bytes }, handle };
    });
  } catch (error) {
    await rm(path, { force: true }).catch(() => {});
    throw error;
  }
}

/** Writes all or throws: a disk that fills up may take a part without an error. @returns how many bytes. */
export async function writeWhole(
  handle: FileHandle,
  parts: readonly Uint8Array[],
): Promise<number> {
  const expected = parts.reduce((sum, { length }) => sum + length, 0);
  const { bytesWritten } = await handle.writev(parts as Uint8Array[]);
  if (bytesWritten < expected)
    throw new Error(`the disk took ${bytesWritten} of ${expected} bytes`);
  return expected;
}

async function closingOnError<T>(handle: FileHandle, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    await handle.close().catch(() => {});
    throw error;
  }
}

/** A small file, replaced whole: after a crash it is as before, or as given. Two calls for one path must not overlap. */
export async function replaceFile(path: string, text: string): Promise<void> {
  const handle = await open(`${path}.new`, "w", 0o600);
  try {
    await handle.writeFile(text);
    await handle.datasync();
  } finally {
    await handle.close();
  }
  await rename(`${path}.new`, path);
  await syncDirectory(dirname(path));
}

/** A new file's name is durable only when its folder is. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, "r");
  await handle.sync().catch(() => {}); // some file systems refuse to sync a folder
  await handle.close();
}
