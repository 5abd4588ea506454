/** A small file system of its own, to be filled up for real; where this user may mount one (root on Linux). */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmdirSync } from "node:fs";
import { appendFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface SmallDisk extends AsyncDisposable {
  directory: string;
  /** To the last byte. */
  fill(): Promise<void>;
  makeRoom(): Promise<void>;
}

/** A plain folder where nothing may be mounted. */
export async function smallDisk(maxBytes: number): Promise<SmallDisk> {
  const directory = await mkdtemp(join(tmpdir(), "glassline-disk-"));
  if (mayMount) mount(directory, maxBytes);
  const filler = join(directory, "filler");
  return {
    directory,
    async fill() {
      if (!mayMount) throw new Error("the disk of this machine is not to be filled");
      for (let size = 1_048_576; size >= 1; size = Math.floor(size / 4)) await append(filler, size);
    },
    makeRoom: () => rm(filler),
    async [Symbol.asyncDispose]() {
      if (mayMount) unmount(directory);
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** Until no piece of the size fits. */
async function append(path: string, size: number): Promise<void> {
  try {
    for (;;) await appendFile(path, Buffer.alloc(size));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
  }
}

function mount(directory: string, maxBytes: number): void {
  const options = ["-t", "tmpfs", "-o", `size=${maxBytes}`, "none", directory];
  execFileSync("mount", options, { stdio: "ignore" });
}

function unmount(directory: string): void {
  execFileSync("umount", ["--lazy", directory], { stdio: "ignore" });
}

/** In CI a machine where nothing may be mounted fails. */
export const mayMount = (() => {
  const directory = mkdtempSync(join(tmpdir(), "glassline-mount-"));
  try {
    mount(directory, 65_536);
    unmount(directory);
    return true;
  } catch (error) {
    if (process.env["CI"] === "true")
      throw new Error("a small disk: mount failed; CI must run as root", { cause: error });
    return false;
  } finally {
    rmdirSync(directory);
  }
})();
