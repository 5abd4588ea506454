/** When to kill: after a while, or in the moment in which a file appears. */
import { watch } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

const FILE_TIMEOUT_MS = 1_000;

/** Resolves when a file is made or renamed in the folder, after a second at the latest. */
export async function fileAppears(directory: string): Promise<void> {
  const late = new AbortController();
  const { promise, resolve } = Promise.withResolvers<void>();
  const watcher = watch(directory, (event) => {
    if (event === "rename") resolve();
  });
  watcher.once("error", () => resolve());
  await Promise.race([
    promise,
    delay(FILE_TIMEOUT_MS, undefined, { signal: late.signal }).catch(() => {}),
  ]);
  late.abort();
  watcher.close();
}
