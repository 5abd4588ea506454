/** The thread that makes blocks: segments of the log are read, sorted and written while ingestion goes on. */
import { readFileSync, readlinkSync } from "node:fs";
import { constants, setPriority } from "node:os";
import { basename } from "node:path";
import { parentPort } from "node:worker_threads";

import { fromBinary } from "@bufbuild/protobuf";
import type { LogRecord } from "@glassline/proto/storage";
import { LogRecordSchema } from "@glassline/proto/storage";
import { scanSegment } from "@glassline/segment-log/record";
import { messageOf, systemCodeOf } from "@glassline/service/errors";

import { RecordReader } from "../core/record-reader.ts";
import { RunStarts } from "../core/run-starts.ts";
import { RECORD_MAX_BYTES } from "../stores/telemetry-log.ts";
import { BlockBuilder } from "./block-builder.ts";
import { writeBlock } from "./block-file.ts";

export interface BlockOrder {
  segmentPath: string;
  firstIndex: number;
  endIndex: number;
  /** The segments before it, the last first, in which runs may begin; some may be gone. */
  earlierPaths: readonly string[];
  blockPath: string;
}

export type BlockReport =
  | { firstIndex: number; points: number; unreadable: number }
  | { firstIndex: number; error: string };

yieldToIngestion();
let reader = new RecordReader();
let readUpTo: string | undefined;

parentPort?.on("message", (order: BlockOrder) => {
  let report: BlockReport;
  try {
    report = { firstIndex: order.firstIndex, ...build(order) };
  } catch (error) {
    readUpTo = undefined;
    report = { firstIndex: order.firstIndex, error: messageOf(error) };
  }
  parentPort!.postMessage(report);
});

/** Where cores are few, ingestion goes first. Linux takes the number of a thread here, see setpriority(2). */
function yieldToIngestion(): void {
  if (process.platform !== "linux") return;
  const thread = Number(basename(readlinkSync("/proc/thread-self")));
  setPriority(thread, constants.priority.PRIORITY_LOW);
}

function build(order: BlockOrder): { points: number; unreadable: number } {
  const records = [...recordsOf(order.segmentPath, false)];
  if (readUpTo !== order.earlierPaths[0]) {
    reader = new RecordReader();
    for (const path of pathsWithRuns(records, order.earlierPaths)) warm(path);
  }
  const builder = new BlockBuilder();
  const unreadable = add(records, builder);
  reader.endSegment();
  const { firstIndex, endIndex } = order;
  const points = () => builder.points;
  writeBlock(order.blockPath, builder.chunks(), { firstIndex, endIndex, points, unreadable });
  readUpTo = order.segmentPath;
  return { points: builder.points, unreadable };
}

/** Earlier segments, in order, from the one with which the oldest run of the records begins. */
function pathsWithRuns(records: readonly LogRecord[], earlier: readonly string[]): string[] {
  const starts = new RunStarts();
  starts.add(records);
  const paths: string[] = [];
  for (const path of earlier) {
    if (starts.areKnown) break;
    starts.add(recordsOf(path, true));
    paths.unshift(path);
  }
  return paths;
}

/** Reads a segment for the sake of runs that go on behind it. */
function warm(path: string): void {
  for (const record of recordsOf(path, true)) {
    try {
      reader.read(record);
    } catch {
      // It was counted when its own block was made.
    }
  }
}

/** @returns how many records could not be read. */
function add(records: readonly LogRecord[], builder: BlockBuilder): number {
  let unreadable = 0;
  for (const record of records) {
    try {
      const points = reader.read(record);
      if (points) builder.add(points);
    } catch {
      unreadable++;
    }
  }
  return unreadable;
}

function* recordsOf(path: string, mayBeGone: boolean): Generator<LogRecord> {
  for (const payload of payloadsOf(path, mayBeGone)) {
    const record = recordOf(payload);
    if (record) yield record;
  }
}

/** Undefined when the bytes are no record: those around it are read all the same. */
function recordOf(payload: Uint8Array): LogRecord | undefined {
  try {
    return fromBinary(LogRecordSchema, payload);
  } catch {
    return undefined;
  }
}

function payloadsOf(path: string, mayBeGone: boolean): Iterable<Uint8Array> {
  try {
    return scanSegment(readFileSync(path), RECORD_MAX_BYTES).payloads.values();
  } catch (error) {
    if (mayBeGone && systemCodeOf(error) === "ENOENT") return [];
    throw error;
  }
}
