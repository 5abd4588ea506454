/** The telemetry log on this disk: durable means synced. */
import { fromBinary } from "@bufbuild/protobuf";
import { LogRecordSchema } from "@glassline/proto/storage";
import { SegmentLog } from "@glassline/segment-log";

import type { MakeCheckpoint, Retention, TelemetryLog } from "./telemetry-log.ts";
import { RECORD_MAX_BYTES, encodeCheckpoint, encodeRecord } from "./telemetry-log.ts";

export interface FileLogOptions extends Retention {
  directory: string;
  /** Memory for the newest records, for those that follow the log. */
  tailMaxBytes?: number;
}

export async function openFileLog(
  options: FileLogOptions,
  checkpoint: MakeCheckpoint,
): Promise<TelemetryLog> {
  const log = await SegmentLog.open({
    ...options,
    recordMaxBytes: RECORD_MAX_BYTES,
    whenFull: "drop-oldest",
    checkpoint: (index) => encodeCheckpoint(checkpoint, index),
  });
  return {
    durability: "synced to this disk",
    findings: log.findings,
    origin: { kind: "files", directory: options.directory },
    blocksFolder: "blocks",
    get bytes() {
      return log.bytes;
    },
    get segments() {
      return log.segments;
    },
    get firstIndex() {
      return log.firstIndex;
    },
    get nextIndex() {
      return log.nextIndex;
    },
    reached: (index, signal) => log.reached(index, signal),
    append: (record) => log.append(encodeRecord(record)),
    roll: () => log.roll(),
    read: async function* (fromIndex, toIndex) {
      for await (const { index, payload } of log.read(fromIndex, toIndex)) {
        if (payload) yield { index, record: fromBinary(LogRecordSchema, payload) };
      }
    },
    dropOlderThan: (unixMs) => log.dropOlderThan(unixMs),
    [Symbol.asyncDispose]: () => log[Symbol.asyncDispose](),
  };
}
