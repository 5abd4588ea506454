/** The log's records as they lie on the disk, read while no collector runs, from where the last reading ended. */
import { bigintsOf } from "@glassline/otqmn/words";
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";

import { fromBinary } from "@bufbuild/protobuf";
import type { LogRecord } from "@glassline/proto/storage";
import { LogRecordSchema } from "@glassline/proto/storage";
import { scanSegment } from "@glassline/segment-log/record";

import type { RecordPoints } from "../src/core/record-reader.ts";
import { RecordReader } from "../src/core/record-reader.ts";
import { RECORD_MAX_BYTES } from "../src/stores/telemetry-log.ts";

export interface SegmentFile {
  path: string;
  firstIndex: number;
}

export async function segmentFiles(directory: string): Promise<SegmentFile[]> {
  const names = (await readdir(directory)).filter((name) => name.endsWith(".seg")).toSorted();
  return names.map((name) => ({
    path: join(directory, name),
    firstIndex: Number.parseInt(name, 10),
  }));
}

export interface StoredPoint {
  cameraId: string;
  lane: string;
  timeUnixNano: bigint;
  value: number;
}

export class StoredLog {
  readonly #directory: string;
  readonly #reader = new RecordReader();
  #lastIndex = 0;
  /** Records that stand in the log and cannot be read. */
  unreadable = 0;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** The last record that was read. */
  get lastIndex(): number {
    return this.#lastIndex;
  }

  /** Points of records that came since the last reading, in order. */
  async readOn(see: (point: StoredPoint) => void): Promise<void> {
    const files = await segmentFiles(this.#directory);
    for (const [at, { path }] of files.entries()) {
      const next = files[at + 1];
      if (next && next.firstIndex <= this.#lastIndex + 1) continue;
      const { payloads } = scanSegment(await readFile(path), RECORD_MAX_BYTES);
      for (const [index, payload] of payloads) {
        if (index <= this.#lastIndex) continue;
        this.#lastIndex = index;
        this.#read(fromBinary(LogRecordSchema, payload), see);
      }
    }
  }

  #read(record: LogRecord, see: (point: StoredPoint) => void): void {
    try {
      const points = this.#reader.read(record);
      if (points) eachPoint(points, see);
    } catch {
      this.unreadable++;
    }
  }
}

function eachPoint(points: RecordPoints, see: (point: StoredPoint) => void): void {
  const { series, column, value, groupEnd } = points;
  const groupTimeUnixNano = bigintsOf(points.groupTime);
  let group = 0;
  for (let at = 0; at < column.length; at++) {
    while (groupEnd[group]! <= at) group++;
    const { cameraId, attributes } = series.at(column[at]!)!;
    const lane = attributes["lane"] ?? "";
    see({ cameraId, lane, timeUnixNano: groupTimeUnixNano[group]!, value: value[at]! });
  }
}
