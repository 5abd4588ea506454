/** The telemetry log in segment files, on a disk that can be filled up where root may mount one. */
import { join } from "node:path";

import { mayMount, smallDisk } from "@glassline/segment-log/small-disk/testing";

import { openFileLog } from "./file-log.ts";
import type { LogPlace } from "./telemetry-log.contract.ts";
import { telemetryLogContract } from "./telemetry-log.contract.ts";

async function filesPlace(): Promise<LogPlace> {
  const disk = await smallDisk(67_108_864);
  const directory = join(disk.directory, "log");
  return {
    open: (retention, checkpoint) => openFileLog({ ...retention, directory }, checkpoint),
    program: `
      import { openFileLog } from "./file-log.ts";
      const log = await openFileLog({ directory: ${JSON.stringify(directory)},
        segmentMaxBytes: 20_000, maxBytes: 10_000_000 }, () => ({}));`,
    async fail() {
      await disk.fill();
      return { over: () => disk.makeRoom() };
    },
    [Symbol.asyncDispose]: () => disk[Symbol.asyncDispose](),
  };
}

telemetryLogContract("segment files", filesPlace, mayMount);
