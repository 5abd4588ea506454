/** A folder for what only its owner reads. */
import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";

/** Where it is missing, with those above it. One folder after another: asking for all at once may never return on a file system that is none (/proc). */
export async function makeFolder(path: string): Promise<void> {
  const information = await stat(path).catch(() => undefined);
  if (information?.isDirectory()) return;
  if (dirname(path) !== path && !information) await makeFolder(dirname(path));
  await mkdir(path, { mode: 0o700 });
}
