/** The telemetry log in segment files. A small file system of its own, where root may mount one, is filled up for real. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, rmdirSync } from "node:fs";
import { appendFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { openFileLog } from "./file-log.ts";
import type { LogPlace } from "./telemetry-log.contract.ts";
import { telemetryLogContract } from "./telemetry-log.contract.ts";

const DISK_BYTES = 67_108_864;

function mount(directory: string): void {
  const options = ["-t", "tmpfs", "-o", `size=${DISK_BYTES}`, "none", directory];
  execFileSync("mount", options, { stdio: "ignore" });
}

const unmount = (directory: string) =>
  execFileSync("umount", ["--lazy", directory], { stdio: "ignore" });

const mayMount = (() => {
  const directory = mkdtempSync(join(tmpdir(), "glassline-mount-"));
  try {
    mount(directory);
    unmount(directory);
    return true;
  } catch {
    return false;
  } finally {
    rmdirSync(directory);
  }
})();

async function filesPlace(): Promise<LogPlace> {
  const disk = await mkdtemp(join(tmpdir(), "glassline-log-"));
  if (mayMount) mount(disk);
  const [directory, filler] = [join(disk, "log"), join(disk, "filler")];
  return {
    open: (retention, checkpoint) => openFileLog({ ...retention, directory }, checkpoint),
    program: `
      import { openFileLog } from "./file-log.ts";
      const log = await openFileLog({ directory: ${JSON.stringify(directory)},
        segmentMaxBytes: 20_000, maxBytes: 10_000_000 }, () => ({}));`,
    async fail() {
      await fill(filler);
      return { over: () => rm(filler) };
    },
    async [Symbol.asyncDispose]() {
      if (mayMount) unmount(disk);
      rmSync(disk, { recursive: true, force: true });
    },
  };
}

/** To the last byte. */
async function fill(path: string): Promise<void> {
  for (let size = 1_048_576; size >= 1; size = Math.floor(size / 4)) {
    try {
      for (;;) await appendFile(path, Buffer.alloc(size));
    } catch {
      // Full for pieces of this size.
    }
  }
}

telemetryLogContract("segment files", filesPlace, mayMount);
