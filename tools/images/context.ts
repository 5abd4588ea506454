/** What `docker build` would send: the repository without what .dockerignore names. */
import { cp, readFile } from "node:fs/promises";
import { join, matchesGlob, relative } from "node:path";

/** Patterns of a .dockerignore. Exceptions ("!") are refused: their order would matter, and we have none. */
export function parseDockerignore(text: string): string[] {
  const patterns = text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
  const exception = patterns.find((pattern) => pattern.startsWith("!"));
  if (exception !== undefined)
    throw new Error(`.dockerignore: got ${JSON.stringify(exception)}, expected no exceptions`);
  return patterns;
}

/** A path (from the root) that a pattern names; what lies below it is left out with it. */
export function isIgnored(path: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => matchesGlob(path, pattern));
}

export async function copyContext(root: string, to: string): Promise<void> {
  const patterns = parseDockerignore(await readFile(join(root, ".dockerignore"), "utf8"));
  await cp(root, to, {
    recursive: true,
    verbatimSymlinks: true,
    filter: (source) => !isIgnored(relative(root, source), patterns),
  });
}
