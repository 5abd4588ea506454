/** The index as a file, so that a start reads it instead of all segments. One that is not whole is none. */
import { open, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { crc32 } from "node:zlib";

import { syncDirectory, writeWhole } from "@glassline/segment-log/files";

import { PlaceIndex, SHARDS, isTableLength } from "../../core/disk/place-index.ts";

/** What is behind it is found by reading the segments from here on. */
export interface Position {
  segment: number;
  offset: number;
}

export interface Snapshot {
  index: PlaceIndex;
  position: Position;
  /** The newest moment that the store has seen, Unix milliseconds. */
  seenUnixMs: number;
}

const NAME = "index.snapshot";
const MAGIC = Buffer.from("GLINDX1\n", "latin1");
/** [magic][seed u32][segment u32][offset f64][seen f64][words of each table u32 ...], then the tables, and the crc of tables and head. */
const HEAD_BYTES = MAGIC.length + 4 + 4 + 8 + 8 + 4 * SHARDS;
const CRC_BYTES = 4;
const WORD_BYTES = 4;

/** Takes the place of the one before, whole or not at all. The index may change meanwhile: the position was taken before. */
export async function writeSnapshot(
  directory: string,
  { index, position, seenUnixMs }: Snapshot,
): Promise<void> {
  const temporary = join(directory, `${NAME}.new`);
  const tables: Buffer[] = [];
  let crc = 0;
  for (const words of index.words()) {
    const table = Buffer.from(words.slice().buffer);
    crc = crc32(table, crc);
    // Others have their turn between.
    if (tables.push(table) % 16 === 0) await turn();
  }
  const head = Buffer.alloc(HEAD_BYTES);
  let at = MAGIC.copy(head);
  at = head.writeUInt32LE(index.seed, at);
  at = head.writeUInt32LE(position.segment, at);
  at = head.writeDoubleLE(position.offset, at);
  at = head.writeDoubleLE(seenUnixMs, at);
  for (const table of tables) at = head.writeUInt32LE(table.length / WORD_BYTES, at);
  const end = Buffer.alloc(CRC_BYTES);
  end.writeUInt32LE(crc32(head, crc));
  try {
    await writeSynced(temporary, [head, ...tables, end]);
    await rename(temporary, join(directory, NAME));
    await syncDirectory(directory);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw error;
  }
}

async function writeSynced(path: string, parts: readonly Buffer[]): Promise<void> {
  const handle = await open(path, "w");
  try {
    await writeWhole(handle, parts);
    await handle.datasync();
  } finally {
    await handle.close();
  }
}

export const removeSnapshot = (directory: string): Promise<void> =>
  rm(join(directory, NAME), { force: true });

/** Undefined when there is none, or it is damaged. */
export async function readSnapshot(directory: string): Promise<Snapshot | undefined> {
  const bytes = await readFile(join(directory, NAME)).catch(() => undefined);
  if (!bytes || bytes.length < HEAD_BYTES + CRC_BYTES) return undefined;
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC)) return undefined;
  const crcAt = bytes.length - CRC_BYTES;
  const crc = crc32(bytes.subarray(0, HEAD_BYTES), crc32(bytes.subarray(HEAD_BYTES, crcAt)));
  if (crc !== bytes.readUInt32LE(crcAt)) return undefined;
  const tables = tablesIn(bytes.subarray(0, crcAt));
  if (!tables) return undefined;
  const at = MAGIC.length;
  return {
    index: new PlaceIndex(bytes.readUInt32LE(at), tables),
    position: { segment: bytes.readUInt32LE(at + 4), offset: bytes.readDoubleLE(at + 8) },
    seenUnixMs: bytes.readDoubleLE(at + 16),
  };
}

function tablesIn(bytes: Buffer): Uint32Array[] | undefined {
  const tables: Uint32Array[] = [];
  let from = HEAD_BYTES;
  for (let shard = 0; shard < SHARDS; shard++) {
    const words = bytes.readUInt32LE(HEAD_BYTES - WORD_BYTES * (SHARDS - shard));
    const to = from + words * WORD_BYTES;
    if (!isTableLength(words) || to > bytes.length) return undefined;
    const table = new Uint32Array(words);
    Buffer.from(table.buffer).set(bytes.subarray(from, to));
    tables.push(table);
    from = to;
  }
  return from === bytes.length ? tables : undefined;
}
