/** Writes deploy/docker/APP.Dockerfile for every app. Part of `npm run generate`. */
import { globSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { ROOT, discoverApps } from "./images/apps.ts";
import type { Versions } from "./images/dockerfile.ts";
import { dockerfileOf, dockerfilePath } from "./images/dockerfile.ts";

/** The images have the versions that the root's package.json pins. */
export function versionsOf(root: string): Versions {
  const { dependencies, devDependencies } = JSON.parse(
    readFileSync(join(root, "package.json"), "utf8"),
  ) as Record<"dependencies" | "devDependencies", Readonly<Record<string, string>>>;
  const { node } = dependencies;
  const { turbo } = devDependencies;
  if (!node || !turbo)
    throw new Error(
      "package.json: expected the versions of node (dependencies) and turbo (devDependencies)",
    );
  return { node, turbo };
}

/** Path (from the root) and content of every Dockerfile. */
export async function dockerfiles(root: string): Promise<Map<string, string>> {
  const versions = versionsOf(root);
  const apps = await discoverApps(root);
  return new Map(apps.map((app) => [dockerfilePath(app), dockerfileOf(app, versions)]));
}

export const committedDockerfiles = (root: string): string[] =>
  globSync("deploy/docker/*.Dockerfile", { cwd: root }).toSorted();

if (import.meta.main) {
  const files = await dockerfiles(ROOT);
  for (const [path, content] of files) writeFileSync(join(ROOT, path), content);
  for (const path of committedDockerfiles(ROOT)) if (!files.has(path)) rmSync(join(ROOT, path));
}
