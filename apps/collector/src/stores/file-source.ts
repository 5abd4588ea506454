/** Records of segment files: one read a segment. It blocks its thread, which has nothing else to do. */
import { readFileSync } from "node:fs";

import { segmentPath } from "@glassline/segment-log/files";
import { scanSegment } from "@glassline/segment-log/record";
import { systemCodeOf } from "@glassline/service/errors";

import type { IndexRange, RecordSource } from "./record-source.ts";
import { RECORD_MAX_BYTES } from "./telemetry-log.ts";

export class FileSource implements RecordSource {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  payloads({ fromIndex, toIndex }: IndexRange): Promise<Uint8Array[] | undefined> {
    try {
      const bytes = readFileSync(segmentPath(this.#directory, fromIndex));
      const records = [...scanSegment(bytes, RECORD_MAX_BYTES).payloads];
      const inRange = records.filter(([index]) => index < toIndex);
      return Promise.resolve(inRange.map(([, payload]) => payload));
    } catch (error) {
      if (systemCodeOf(error) === "ENOENT") return Promise.resolve(undefined);
      return Promise.reject(error);
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}
