/** Where records of the log are read from by a thread that does not own it: a description that crosses threads, and its reader. */
import type { JetStreamPlace } from "./jetstream/connection.ts";

export type RecordOrigin =
  | { kind: "files"; directory: string }
  | { kind: "jetstream"; place: JetStreamPlace };

/** The records of one segment. */
export interface IndexRange {
  /** The first one of the segment. */
  fromIndex: number;
  /** The first one behind it. */
  toIndex: number;
}

export interface RecordSource extends AsyncDisposable {
  /** Payloads in order; undefined when the log does not have the segment any more. Those that rotted are left out. */
  payloads(range: IndexRange): Promise<Uint8Array[] | undefined>;
}

export async function openRecordSource(origin: RecordOrigin): Promise<RecordSource> {
  if (origin.kind === "files") {
    const { FileSource } = await import("./file-source.ts");
    return new FileSource(origin.directory);
  }
  const { JetStreamSource } = await import("./jetstream/jetstream-source.ts");
  return JetStreamSource.open(origin.place);
}
