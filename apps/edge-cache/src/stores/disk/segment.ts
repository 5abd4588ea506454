/** A file of records: appended to at its end, read anywhere, forgotten as a whole. */
import type { FileHandle } from "node:fs/promises";
import { open, readdir, rm } from "node:fs/promises";
import { join } from "node:path";

import { syncDirectory, writeWhole } from "@glassline/segment-log/files";

import type { Place } from "../../core/disk/place-shard.ts";
import { SEGMENT_HEADER_BYTES, isHeaderOf, segmentHeader } from "./record.ts";

export class Segment {
  readonly number: number;
  readonly #path: string;
  readonly #handle: FileHandle;
  /** Up to where it is written. */
  bytes: number;

  private constructor(number: number, path: string, handle: FileHandle, bytes: number) {
    this.number = number;
    this.#path = path;
    this.#handle = handle;
    this.bytes = bytes;
  }

  /** Makes a new one, empty. Leaves nothing behind when it fails. */
  static async create(directory: string, number: number): Promise<Segment> {
    const path = pathOf(directory, number);
    const handle = await open(path, "a+");
    try {
      await handle.truncate(0);
      const bytes = await writeWhole(handle, [segmentHeader(number)]);
      await syncDirectory(directory);
      return new Segment(number, path, handle, bytes);
    } catch (error) {
      await handle.close().catch(() => {});
      await rm(path, { force: true }).catch(() => {});
      throw error;
    }
  }

  /** A file that does not begin as ours do is removed: undefined. */
  static async open(directory: string, number: number): Promise<Segment | undefined> {
    const path = pathOf(directory, number);
    const handle = await open(path, "a+");
    try {
      const header = Buffer.alloc(SEGMENT_HEADER_BYTES);
      await handle.read(header, 0, header.length, 0);
      const { size } = await handle.stat();
      if (isHeaderOf(header, number)) return new Segment(number, path, handle, size);
    } catch (error) {
      await handle.close().catch(() => {});
      throw error;
    }
    await handle.close();
    await rm(path, { force: true });
    return undefined;
  }

  /** @returns where it begins. On failure nothing of it counts as written. */
  async append(parts: readonly Buffer[]): Promise<number> {
    const offset = this.bytes;
    this.bytes += await writeWhole(this.#handle, parts);
    return offset;
  }

  /** Fewer bytes than asked for where the file ends before. */
  async read(into: Buffer, offset: number): Promise<Buffer> {
    const { bytesRead } = await this.#handle.read(into, 0, into.length, offset);
    return into.subarray(0, bytesRead);
  }

  /** The bytes of a record in memory of their own. */
  readRecord({ offset, bytes }: Place): Promise<Buffer> {
    return this.read(Buffer.allocUnsafeSlow(bytes), offset);
  }

  /** What lies behind its end is cut off. */
  async cut(): Promise<void> {
    await this.#handle.truncate(this.bytes);
  }

  sync(): Promise<void> {
    return this.#handle.datasync();
  }

  close(): Promise<void> {
    return this.#handle.close();
  }

  async remove(): Promise<void> {
    await rm(this.#path, { force: true });
    await this.#handle.close().catch(() => {});
  }
}

const NAME = /^(\d{8,10})\.segment$/;

const pathOf = (directory: string, number: number): string =>
  join(directory, `${String(number).padStart(8, "0")}.segment`);

/** Of the segments in a folder, ascending. */
export async function segmentNumbers(directory: string): Promise<number[]> {
  const names = await readdir(directory);
  return names
    .flatMap((name) => NAME.exec(name)?.[1] ?? [])
    .map(Number)
    .toSorted((a, b) => a - b);
}

export async function removeSegments(directory: string): Promise<void> {
  for (const number of await segmentNumbers(directory))
    await rm(pathOf(directory, number), { force: true });
}
