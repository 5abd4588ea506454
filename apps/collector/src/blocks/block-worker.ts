/** The thread that makes blocks: segments of the log are read, sorted and written while ingestion goes on. */
import { readFileSync } from "node:fs";
import { parentPort } from "node:worker_threads";

import { fromBinary } from "@bufbuild/protobuf";
import { LogRecordSchema } from "@glassline/proto/storage";
import { scanSegment } from "@glassline/segment-log/record";
import { messageOf, systemCodeOf } from "@glassline/service/errors";

import { RecordReader, RunMissing } from "../core/record-reader.ts";
import { RECORD_MAX_BYTES } from "../stores/telemetry-log.ts";
import { BlockBuilder } from "./block-builder.ts";
import { writeBlock } from "./block-file.ts";

export interface BlockOrder {
  segmentPath: string;
  firstIndex: number;
  endIndex: number;
  /** The segment before, with which runs may begin; it may be gone. */
  previousPath: string | undefined;
  blockPath: string;
}

export type BlockReport =
  | { firstIndex: number; points: number; unreadable: number }
  | { firstIndex: number; error: string };

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

function build(order: BlockOrder): { points: number; unreadable: number } {
  if (readUpTo !== order.previousPath) {
    reader = new RecordReader();
    if (order.previousPath) readSegment(order.previousPath, undefined);
  }
  reader.forgetIdle();
  const builder = new BlockBuilder();
  const unreadable = readSegment(order.segmentPath, builder);
  const { firstIndex, endIndex } = order;
  const points = () => builder.points;
  writeBlock(order.blockPath, builder.chunks(), { firstIndex, endIndex, points, unreadable });
  readUpTo = order.segmentPath;
  return { points: builder.points, unreadable };
}

/** @returns how many records could not be read. */
function readSegment(path: string, builder: BlockBuilder | undefined): number {
  let unreadable = 0;
  for (const payload of payloadsOf(path, builder === undefined)) {
    try {
      const points = reader.read(fromBinary(LogRecordSchema, payload));
      if (points) builder?.add(points);
    } catch (error) {
      if (builder || !(error instanceof RunMissing)) unreadable++;
    }
  }
  return unreadable;
}

function payloadsOf(path: string, mayBeGone: boolean): Iterable<Uint8Array> {
  try {
    return scanSegment(readFileSync(path), RECORD_MAX_BYTES).payloads.values();
  } catch (error) {
    if (mayBeGone && systemCodeOf(error) === "ENOENT") return [];
    throw error;
  }
}
