/**
 * A block as a file: [magic][chunks][index: BlockIndex, zstd][length of the index u32][crc32 of the index u32][magic], little-endian.
 * It is written beside its place and renamed, so that a file with the name of a block is whole.
 */
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { crc32, zstdCompressSync, zstdDecompressSync } from "node:zlib";

import type { MessageInitShape } from "@bufbuild/protobuf";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { BlockChunk, BlockIndex, BlockRollupSchema } from "@glassline/proto/storage";
import { BlockIndexSchema } from "@glassline/proto/storage";

import type { Rollup } from "../core/rollup.ts";
import type { Chunk } from "./block-builder.ts";
import type { BlockName } from "./block-name.ts";
import { indexName, millisecondOf, nameOf } from "./block-name.ts";

const MAGIC = Buffer.from("GLBLOCK1", "latin1");
const TAIL_BYTES = 8 + MAGIC.length;
const INDEX_MAX_BYTES = 268_435_456;

/** The file is no block, or not any more. */
export class BlockDamaged extends Error {
  override readonly name = "BlockDamaged";
}

export interface BlockFacts {
  firstIndex: number;
  endIndex: number;
  points: number;
  /** By metric. */
  rollups: ReadonlyMap<string, Rollup>;
  unreadable: number;
}

/** Writes and syncs; the file is there when this returns. Leaves nothing behind when it fails. */
export function writeBlock(
  directory: string,
  chunks: Iterable<Chunk>,
  about: BlockFacts,
): BlockName {
  const draft = join(directory, `${indexName(about.firstIndex)}.new`);
  const file = openSync(draft, "w", 0o600);
  try {
    const times = timesIn(writeParts(file, chunks, about));
    fsyncSync(file);
    closeSync(file);
    const name = { firstIndex: about.firstIndex, ...times };
    renameSync(draft, join(directory, nameOf(name)));
    syncDirectory(directory);
    return name;
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}

function writeParts(
  file: number,
  chunks: Iterable<Chunk>,
  { firstIndex, endIndex, points, rollups, unreadable }: BlockFacts,
): BlockIndex {
  const index = create(BlockIndexSchema, {
    firstIndex: BigInt(firstIndex),
    endIndex: BigInt(endIndex),
    unreadableRecords: BigInt(unreadable),
    rollups: Array.from(rollups, ([metric, rollup]) => wireRollup(metric, rollup)),
  });
  let offset = writeWhole(file, MAGIC);
  for (const { bytes, ...rest } of chunks) {
    const place = { offset: BigInt(offset), length: bytes.length, crc32: crc32(bytes) };
    index.chunks.push({ $typeName: "glassline.storage.v1alpha1.BlockChunk", ...rest, ...place });
    offset += writeWhole(file, bytes);
  }
  index.points = BigInt(points);
  const packed = zstdCompressSync(toBinary(BlockIndexSchema, index));
  const tail = Buffer.alloc(TAIL_BYTES);
  tail.writeUInt32LE(packed.length, 0);
  tail.writeUInt32LE(crc32(packed), 4);
  MAGIC.copy(tail, 8);
  writeWhole(file, packed);
  writeWhole(file, tail);
  return index;
}

function timesIn({ chunks: [first, ...rest] }: BlockIndex): Omit<BlockName, "firstIndex"> {
  if (!first) return { leastMs: 0, greatestMs: 0 };
  let { leastTimeUnixNano: least, greatestTimeUnixNano: greatest } = first;
  for (const { leastTimeUnixNano, greatestTimeUnixNano } of rest) {
    if (leastTimeUnixNano < least) least = leastTimeUnixNano;
    if (greatestTimeUnixNano > greatest) greatest = greatestTimeUnixNano;
  }
  return { leastMs: millisecondOf(least), greatestMs: millisecondOf(greatest) };
}

function wireRollup(metric: string, { cells }: Rollup): MessageInitShape<typeof BlockRollupSchema> {
  const all = [...cells.values()];
  return {
    metric,
    minute: [...cells.keys()],
    count: all.map(({ count }) => BigInt(count)),
    sum: all.map(({ sum }) => sum),
    least: all.map(({ least }) => least),
    greatest: all.map(({ greatest }) => greatest),
  };
}

/** A disk that fills up may take a part without an error. */
function writeWhole(file: number, bytes: Uint8Array): number {
  for (let written = 0; written < bytes.length;) written += writeSync(file, bytes, written);
  return bytes.length;
}

function syncDirectory(path: string): void {
  const directory = openSync(path, "r");
  try {
    fsyncSync(directory);
  } catch {
    // Some file systems refuse to sync a folder.
  } finally {
    closeSync(directory);
  }
}

/** Rejects with BlockDamaged, or with the error of the disk. */
export async function readIndex(path: string): Promise<BlockIndex> {
  const file = await open(path, "r");
  try {
    const { size } = await file.stat();
    const tail = await readAt(file, Math.max(0, size - TAIL_BYTES), TAIL_BYTES, path);
    if (!tail.subarray(8).equals(MAGIC))
      throw new BlockDamaged(`${path}: got a file that does not end as a block`);
    const length = tail.readUInt32LE(0);
    const packed = await readAt(file, size - TAIL_BYTES - length, length, path);
    if (crc32(packed) !== tail.readUInt32LE(4))
      throw new BlockDamaged(`${path}: its index has changed since it was written`);
    const bytes = zstdDecompressSync(packed, { maxOutputLength: INDEX_MAX_BYTES });
    return fromBinary(BlockIndexSchema, bytes);
  } finally {
    await file.close();
  }
}

/** One after another. Throws BlockDamaged, or the error of the disk. */
export async function* readChunks(
  path: string,
  chunks: readonly BlockChunk[],
): AsyncGenerator<Uint8Array> {
  const file = await open(path, "r");
  try {
    for (const { offset, length, crc32: expected } of chunks) {
      const bytes = await readAt(file, Number(offset), length, path);
      if (crc32(bytes) !== expected)
        throw new BlockDamaged(`${path}: the chunk at byte ${offset} has changed`);
      yield bytes;
    }
  } finally {
    await file.close();
  }
}

async function readAt(
  file: FileHandle,
  position: number,
  length: number,
  path: string,
): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  const { bytesRead } =
    position < 0 ? { bytesRead: -1 } : await file.read(bytes, 0, length, position);
  if (bytesRead !== length)
    throw new BlockDamaged(`${path}: got ${bytesRead} bytes at ${position}, expected ${length}`);
  return bytes;
}
