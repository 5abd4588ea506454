/** The telemetry log on this disk: durable means synced. Its records are glassline.storage.v1alpha1.LogRecord. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { CheckpointSchema, LogRecord } from "@glassline/proto/storage";
import { LogRecordSchema } from "@glassline/proto/storage";
import type { SegmentInfo } from "@glassline/segment-log";
import { SegmentLog } from "@glassline/segment-log";

export const RECORD_MAX_BYTES = 16_777_216;

export interface TelemetryLogOptions {
  directory: string;
  segmentMaxBytes: number;
  maxBytes: number;
  /** Memory for the newest records, for those that follow the log. */
  tailMaxBytes?: number;
}

export interface TelemetryLog extends AsyncDisposable {
  /** What "durable" means here, for people. */
  readonly durability: string;
  readonly findings: readonly string[];
  readonly bytes: number;
  readonly segments: readonly SegmentInfo[];
  /** Of the oldest record that is kept, and of the next one. */
  readonly firstIndex: number;
  readonly nextIndex: number;
  /** @returns the record's index, once it is durable. Rejects with LogRefusal. */
  append(record: MessageInitShape<typeof LogRecordSchema>): Promise<number>;
  /** Closes the segment that is written, after all that was appended before. */
  roll(): Promise<void>;
  /** Resolves when there is a record of the index or behind it. Rejects with the signal's reason, or LogRefusal. */
  reached(index: number, signal?: AbortSignal): Promise<void>;
  /** Records from an index on, before another if one is given; those that rotted are left out. */
  read(fromIndex: number, toIndex?: number): AsyncIterable<{ index: number; record: LogRecord }>;
}

/** @param checkpoint goes to the head of every segment, with this index, so that a start needs only the last ones. */
export async function openTelemetryLog(
  options: TelemetryLogOptions,
  checkpoint: (index: number) => MessageInitShape<typeof CheckpointSchema>,
): Promise<TelemetryLog> {
  const log = await SegmentLog.open({
    ...options,
    recordMaxBytes: RECORD_MAX_BYTES,
    whenFull: "drop-oldest",
    checkpoint: (index) => encode({ record: { case: "checkpoint", value: checkpoint(index) } }),
  });
  return {
    durability: "synced to this disk",
    findings: log.findings,
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
    append: (record) => log.append(encode(record)),
    roll: () => log.roll(),
    read: async function* (fromIndex, toIndex) {
      for await (const { index, payload } of log.read(fromIndex, toIndex)) {
        if (payload) yield { index, record: fromBinary(LogRecordSchema, payload) };
      }
    },
    [Symbol.asyncDispose]: () => log[Symbol.asyncDispose](),
  };
}

/** The first index of the segment that holds a record. */
export function segmentOf({ segments }: TelemetryLog, index: number): number {
  return segments.findLast(({ firstIndex }) => firstIndex <= index)!.firstIndex;
}

function encode(record: MessageInitShape<typeof LogRecordSchema>): Uint8Array {
  return toBinary(LogRecordSchema, create(LogRecordSchema, record));
}
