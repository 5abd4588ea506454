/** Records that are numbered, for tests. */
import type { LogRecord } from "@glassline/proto/storage";

const RECORD_BYTES = 1_000;

export function numbered(
  number: number,
  length = RECORD_BYTES,
): Pick<LogRecord, "receivedUnixNano" | "record"> {
  const value = Buffer.alloc(length, 1);
  value.writeUInt32LE(number);
  return { receivedUnixNano: 1n, record: { case: "otlpLogs", value } };
}

/** Of a record that `numbered` made; of another its case. */
export function numberIn({ record }: LogRecord): number | string | undefined {
  return record.case === "otlpLogs" ? Buffer.from(record.value).readUInt32LE() : record.case;
}
