/** Which runs of batches records build on that began before them. */
import type { LogRecord } from "@glassline/proto/storage";

/** A run goes on over at most about so many segments: readers that begin in the middle have to go back that far. */
export const RUN_SEGMENTS_MAX = 16;

/** Runs whose key batch has not been seen. */
export class RunStarts {
  readonly #begun = new Set<string>();
  readonly #missing = new Set<string>();

  get areKnown(): boolean {
    return this.#missing.size === 0;
  }

  /** Records of one segment, in order. Segments are added from the last to the first. */
  add(records: Iterable<LogRecord>): void {
    this.#begun.clear();
    const found = new Set<string>();
    for (const { record } of records) {
      if (record.case !== "batch") continue;
      const { producer, incarnation, seq, keySeq } = record.value;
      const run = `${keySeq} ${Buffer.from(incarnation).toString("hex")} ${producer}`;
      if (seq === keySeq) this.#begun.add(run);
      if (!this.#begun.has(run)) found.add(run);
    }
    for (const run of this.#begun) this.#missing.delete(run);
    for (const run of found) this.#missing.add(run);
  }
}
