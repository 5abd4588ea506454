/** The thread that makes blocks: segments of the log are read, sorted and written while ingestion goes on. */
import { readlinkSync } from "node:fs";
import { constants, setPriority } from "node:os";
import { basename } from "node:path";
import { parentPort, workerData } from "node:worker_threads";

import { fromBinary } from "@bufbuild/protobuf";
import type { LogRecord } from "@glassline/proto/storage";
import { LogRecordSchema } from "@glassline/proto/storage";
import { messageOf } from "@glassline/service/errors";

import { tagOf } from "../core/protobuf-fields.ts";
import { RecordReader, RunMissing } from "../core/record-reader.ts";
import { RunStarts } from "../core/run-starts.ts";
import type { IndexRange, RecordOrigin, RecordSource } from "../stores/record-source.ts";
import { openRecordSource } from "../stores/record-source.ts";
import { BlockBuilder } from "./block-builder.ts";
import { writeBlock } from "./block-file.ts";
import type { BlockName } from "./block-name.ts";

export interface BlockOrder {
  segment: IndexRange;
  /** The segments before it, the last first, in which runs may begin; some may be gone. */
  earlier: readonly IndexRange[];
  blockDirectory: string;
}

export type BlockReport =
  | (BlockName & { unreadable: number })
  | { firstIndex: number; error: string };

/** With which a checkpoint begins: it tells no time. */
const CHECKPOINT_TAG = tagOf(LogRecordSchema.field.checkpoint.number, "bytes");

yieldToIngestion();
let opened: RecordSource | undefined;
let reader = new RecordReader();
/** The records before this index were read last. */
let readUpTo: number | undefined;

parentPort?.on("message", (order: BlockOrder) => {
  void report(order).then((answer) => parentPort!.postMessage(answer));
});

async function report(order: BlockOrder): Promise<BlockReport> {
  const firstIndex = order.segment.fromIndex;
  try {
    opened ??= await openRecordSource(workerData as RecordOrigin);
    return await build(order, opened);
  } catch (error) {
    readUpTo = undefined;
    return { firstIndex, error: messageOf(error) };
  }
}

/** Where cores are few, ingestion goes first, and a tenth is left for blocks, which queries wait for. Linux takes the number of a thread here, see setpriority(2). */
function yieldToIngestion(): void {
  if (process.platform !== "linux") return;
  try {
    const thread = Number(basename(readlinkSync("/proc/thread-self")));
    setPriority(thread, constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // Without it, blocks only come sooner and ingestion is slower.
  }
}

async function build(
  { segment, earlier, blockDirectory }: BlockOrder,
  source: RecordSource,
): Promise<BlockReport> {
  const records = await recordsOf(source, segment);
  if (!records) throw new Error(`the segment from ${segment.fromIndex} on is not in the log`);
  const goesOn = readUpTo === segment.fromIndex;
  let builder = new BlockBuilder();
  let { unreadable, missing } = goesOn ? add(records, builder) : { unreadable: 0, missing: 1 };
  if (missing > 0) {
    reader = new RecordReader();
    builder = new BlockBuilder();
    for (const range of await rangesWithRuns(records, earlier, source)) await warm(range, source);
    ({ unreadable, missing } = add(records, builder));
  }
  reader.endSegment();
  const about = { firstIndex: segment.fromIndex, endIndex: segment.toIndex, unreadable };
  const { points, rollups } = builder;
  const name = writeBlock(blockDirectory, builder.chunks(), { ...about, points, rollups });
  readUpTo = segment.toIndex;
  return { ...name, unreadable };
}

/** Earlier segments, in order, from the one with which the oldest run of the records begins. */
async function rangesWithRuns(
  records: readonly LogRecord[],
  earlier: readonly IndexRange[],
  source: RecordSource,
): Promise<IndexRange[]> {
  const starts = new RunStarts();
  starts.add(records);
  const ranges: IndexRange[] = [];
  for (const range of earlier) {
    if (starts.areKnown) break;
    starts.add((await recordsOf(source, range)) ?? []);
    ranges.unshift(range);
  }
  return ranges;
}

/** Reads a segment for the sake of runs that go on behind it. */
async function warm(range: IndexRange, source: RecordSource): Promise<void> {
  for (const record of (await recordsOf(source, range)) ?? []) {
    try {
      reader.read(record);
    } catch {
      // It was counted when its own block was made.
    }
  }
}

/** @returns how many records could not be read, and of how many of them because the begin of their run was not read. */
function add(
  records: readonly LogRecord[],
  builder: BlockBuilder,
): { unreadable: number; missing: number } {
  let [unreadable, missing] = [0, 0];
  for (const record of records) {
    try {
      const points = reader.read(record);
      if (points) builder.add(points);
    } catch (error) {
      unreadable++;
      if (error instanceof RunMissing) missing++;
    }
  }
  return { unreadable, missing };
}

async function recordsOf(
  source: RecordSource,
  range: IndexRange,
): Promise<LogRecord[] | undefined> {
  const payloads = await source.payloads(range);
  return payloads?.flatMap((payload) => {
    // Of a large fleet it would be the most that is read.
    if (payload[0] === CHECKPOINT_TAG) return [];
    try {
      return [fromBinary(LogRecordSchema, payload)];
    } catch {
      return [];
    }
  });
}
