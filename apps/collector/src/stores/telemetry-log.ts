/** The collector's log as a port. Its records are glassline.storage.v1alpha1.LogRecord. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { create, toBinary } from "@bufbuild/protobuf";
import type { CheckpointSchema, LogRecord } from "@glassline/proto/storage";
import { LogRecordSchema } from "@glassline/proto/storage";

import { encodeBatchRecord } from "./batch-record.ts";
import type { PositionStore } from "./positions.ts";
import type { RecordOrigin } from "./record-source.ts";

export const RECORD_MAX_BYTES = 16_777_216;

export interface Segment {
  readonly firstIndex: number;
  readonly bytes: number;
}

/** Why retention let a segment go. */
export type DropReason = "size" | "age";

export interface Retention {
  /** A segment that has reached this size is closed. */
  segmentMaxBytes: number;
  /** All segments together; the oldest closed ones go. */
  maxBytes: number;
  /** Called for each segment that goes. */
  onDropped?: (reason: DropReason, segment: Segment) => void;
}

/** What goes to the head of every segment but the first, whose first index this is, so that a start needs only the last ones. */
export type MakeCheckpoint = (index: number) => MessageInitShape<typeof CheckpointSchema>;

export interface TelemetryLog extends AsyncDisposable {
  /** What "durable" means here, for people. */
  readonly durability: string;
  readonly findings: readonly string[];
  readonly bytes: number;
  /** Oldest first; the last one is still being written. */
  readonly segments: readonly Segment[];
  /** Of the oldest record that is kept, and of the next one. */
  readonly firstIndex: number;
  readonly nextIndex: number;
  /** From where another thread reads the same records. */
  readonly origin: RecordOrigin;
  /** Where exporters keep their positions, when that is not this disk. */
  readonly positions?: PositionStore;
  /** Name of a folder for what is made of these records: that of another log is another. */
  readonly blocksFolder: string;
  /** @returns the record's index, once it is durable. Indexes grow; some are left out. Rejects with LogRefusal. */
  append(record: MessageInitShape<typeof LogRecordSchema>): Promise<number>;
  /** Closes the segment that is written, after all that was appended before. */
  roll(): Promise<void>;
  /** Resolves when there is a record of the index or behind it. Rejects with the signal's reason, or LogRefusal. */
  reached(index: number, signal?: AbortSignal): Promise<void>;
  /** Records from an index on, before another if one is given; those that rotted are left out. */
  read(fromIndex: number, toIndex?: number): AsyncIterable<{ index: number; record: LogRecord }>;
  /** Lets closed segments go, oldest first, all of whose records were written before a moment (Unix milliseconds). */
  dropOlderThan(unixMs: number): Promise<void>;
}

/** The first index of the segment that holds a record. */
export function segmentOf({ segments }: TelemetryLog, index: number): number {
  return segments.findLast(({ firstIndex }) => firstIndex <= index)!.firstIndex;
}

export function encodeRecord(record: MessageInitShape<typeof LogRecordSchema>): Uint8Array {
  const { receivedUnixNano, record: what } = record;
  return what?.case === "batch" && receivedUnixNano !== undefined
    ? encodeBatchRecord(receivedUnixNano, what.value)
    : toBinary(LogRecordSchema, create(LogRecordSchema, record));
}

export function encodeCheckpoint(checkpoint: MakeCheckpoint, index: number): Uint8Array {
  return encodeRecord({ record: { case: "checkpoint", value: checkpoint(index) } });
}
