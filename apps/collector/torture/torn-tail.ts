/** What a crash of the machine may leave at the end of the log, made by hand while no collector runs. */
import { appendFile, readFile, truncate } from "node:fs/promises";

import { fromBinary } from "@bufbuild/protobuf";
import type { LogRecord } from "@glassline/proto/storage";
import { LogRecordSchema } from "@glassline/proto/storage";
import { FRAME_BYTES, frameRecords, scanSegment } from "@glassline/segment-log/record";

import { RECORD_MAX_BYTES } from "../src/stores/telemetry-log.ts";
import { segmentFiles } from "./stored-log.ts";

const RECORD_BYTES = 200;

/** The first bytes of a record that was being written. */
export async function appendTornRecord(directory: string, random: () => number): Promise<void> {
  const last = (await segmentFiles(directory)).at(-1)!;
  const { payloads } = scanSegment(await readFile(last.path), RECORD_MAX_BYTES);
  const index = ([...payloads.keys()].at(-1) ?? last.firstIndex - 1) + 1;
  const payload = Uint8Array.from({ length: RECORD_BYTES }, () => Math.floor(256 * random()));
  const whole = Buffer.concat(frameRecords(index, [payload]));
  await appendFile(last.path, whole.subarray(0, Math.ceil((whole.length - 1) * random())));
}

/**
 * Cuts the end of the last segment, within records that nobody was told of and that nobody has read.
 * @returns whether there were any.
 */
export async function cutUnacknowledged(
  directory: string,
  lastReadIndex: number,
  isAcknowledged: (record: LogRecord) => boolean,
  random: () => number,
): Promise<boolean> {
  const last = (await segmentFiles(directory)).at(-1)!;
  const bytes = await readFile(last.path);
  const { payloads, goodBytes } = scanSegment(bytes, RECORD_MAX_BYTES);
  let end = goodBytes;
  for (const [index, payload] of [...payloads].toReversed()) {
    const record = fromBinary(LogRecordSchema, payload);
    if (index <= lastReadIndex || record.record.case === "checkpoint" || isAcknowledged(record))
      break;
    end -= FRAME_BYTES + payload.length;
  }
  if (end === goodBytes) return false;
  await truncate(last.path, end + Math.floor((bytes.length - end) * random()));
  return true;
}
