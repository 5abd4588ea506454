/** Reads the log from an index on, for ever: what was written long ago from the disk, what is new from memory. */
import type { LogRecord } from "@glassline/proto/storage";

import type { TelemetryLog } from "../stores/telemetry-log.ts";

export interface IndexedRecord {
  index: number;
  record: LogRecord;
}

export interface Window {
  records: readonly IndexedRecord[];
  /** The window reaches up to, but not to, here. */
  endIndex: number;
  /** Records that are not in the log any more, and those that cannot be read: rotten, or torn and never acknowledged. */
  lost: { retention: number; unreadable: number };
}

export class LogFollower {
  readonly #log: TelemetryLog;
  #next: number;
  /** Of one segment, or what of it was there at the time. */
  #chunk: { records: AsyncIterator<IndexedRecord>; endIndex: number } | undefined;

  constructor(log: TelemetryLog, nextIndex: number) {
    this.#log = log;
    this.#next = nextIndex;
  }

  get nextIndex(): number {
    return this.#next;
  }

  /**
   * The next records, up to about so many bytes of OTLP; waits for the first. Rejects with the signal's reason, or an error of the
   * disk; then the next call begins at the same record.
   */
  async window(maxBytes: number, signal: AbortSignal): Promise<Window> {
    const first = this.#next;
    try {
      return await this.#read(maxBytes, signal);
    } catch (error) {
      this.#next = first;
      this.#chunk = undefined;
      throw error;
    }
  }

  async #read(maxBytes: number, signal: AbortSignal): Promise<Window> {
    const lost = { retention: 0, unreadable: 0 };
    if (!this.#chunk) await this.#begin(lost, signal);
    const { records: source, endIndex } = this.#chunk!;
    const records: IndexedRecord[] = [];
    for (let bytes = 0; bytes < maxBytes;) {
      const { value, done } = await source.next();
      const upTo = done ? endIndex : value.index;
      // A segment may have been dropped after its reading had begun.
      lost[upTo <= this.#log.firstIndex ? "retention" : "unreadable"] += upTo - this.#next;
      this.#next = done ? endIndex : value.index + 1;
      if (done) this.#chunk = undefined;
      if (done) break;
      records.push(value);
      bytes += payloadBytes(value.record);
    }
    return { records, endIndex: this.#next, lost };
  }

  async #begin(lost: Window["lost"], signal: AbortSignal): Promise<void> {
    await this.#log.reached(this.#next, signal);
    const { firstIndex, nextIndex, segments } = this.#log;
    if (this.#next < firstIndex) {
      lost.retention += firstIndex - this.#next;
      this.#next = firstIndex;
    }
    const later = segments.find((segment) => segment.firstIndex > this.#next);
    const endIndex = Math.min(later?.firstIndex ?? nextIndex, nextIndex);
    const records = this.#log.read(this.#next, endIndex)[Symbol.asyncIterator]();
    this.#chunk = { records, endIndex };
  }
}

/** A byte of a batch holds about a point, which is so many bytes of OTLP. */
const OTLP_BYTES_PER_BATCH_BYTE = 64;

/** About as many as it has as OTLP. */
function payloadBytes({ record }: LogRecord): number {
  if (record.case === "batch") return record.value.payload.length * OTLP_BYTES_PER_BATCH_BYTE;
  return record.case === "checkpoint" ? 0 : (record.value?.length ?? 0);
}
