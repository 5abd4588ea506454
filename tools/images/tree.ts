/** An app's tree as its image would have it below /app: pruned, installed, built; and what must not be in it. */
import { existsSync } from "node:fs";
import { cp, lstat, mkdir, readFile, readdir } from "node:fs/promises";
import { join } from "node:path";

import type { App } from "./apps.ts";
import { run } from "./command.ts";
import {
  BUILD_FILES,
  buildCommand,
  buildOutput,
  installCommand,
  installForBuildCommand,
  pruneCommand,
} from "./recipe.ts";

export interface Place {
  /** The repository as `docker build` would get it. */
  context: string;
  /** Scratch folder of this app alone. */
  folder: string;
  signal: AbortSignal;
  say: (step: string) => void;
}

/** Npm's cache is used as far as it goes; an image has none. */
const FROM_CACHE = "--prefer-offline";

/** Gives the folder of the tree. The steps are those of the Dockerfile. */
export async function makeTree(app: App, place: Place): Promise<string> {
  const { context, folder, signal, say } = place;
  const pruned = join(folder, "pruned");
  const tree = join(folder, "app");
  await mkdir(tree, { recursive: true });
  say("pruning");
  await run(`${pruneCommand(app)} --out-dir ${pruned}`, context, signal);
  say("installing production dependencies");
  await cp(join(pruned, "json"), tree, { recursive: true });
  await run(`${installCommand(app)} ${FROM_CACHE}`, tree, signal);
  await cp(join(pruned, "full"), tree, { recursive: true });
  if (app.isBuilt) {
    const built = await build(app, pruned, place);
    await cp(built, join(tree, buildOutput(app)), { recursive: true });
  }
  return tree;
}

async function build(
  app: App,
  pruned: string,
  { context, folder, signal, say }: Place,
): Promise<string> {
  const workshop = join(folder, "build");
  say("installing what its build needs");
  await cp(join(pruned, "json"), workshop, { recursive: true });
  await run(`${installForBuildCommand(app)} ${FROM_CACHE}`, workshop, signal);
  await cp(join(pruned, "full"), workshop, { recursive: true });
  for (const file of BUILD_FILES) await cp(join(context, file), join(workshop, file));
  say("building");
  await run(buildCommand(app), workshop, signal);
  return join(workshop, buildOutput(app));
}

interface Lock {
  packages: Readonly<Record<string, { dev?: boolean; link?: boolean }>>;
}

/** Number of packages from the registry. Fails when one is there that only development needs, or a second Node. */
export async function countPackages(tree: string): Promise<number> {
  const { packages } = JSON.parse(await readFile(join(tree, "package-lock.json"), "utf8")) as Lock;
  const unwanted = Object.keys(packages).filter(
    (path) => packages[path]?.dev === true || path === "node_modules/node",
  );
  const found = unwanted.filter((path) => existsSync(join(tree, path)));
  if (found.length > 0)
    throw new Error(`node_modules: got ${found.join(", ")}, expected no packages of development`);
  return Object.keys(packages).filter(
    (path) =>
      path.includes("node_modules/") && !packages[path]!.link && existsSync(join(tree, path)),
  ).length;
}

/** Bytes on disk, as `du` counts them. */
export async function sizeOf(folder: string): Promise<number> {
  const files = await statistics(folder);
  return files.reduce((sum, { blocks }) => sum + blocks * 512, 0);
}

/** Files that have changed since a moment. */
export async function changedSince(folder: string, sinceMs: number): Promise<string[]> {
  const files = await statistics(folder);
  return files.filter(({ ctimeMs }) => ctimeMs > sinceMs).map(({ path }) => path);
}

async function statistics(
  folder: string,
): Promise<{ path: string; blocks: number; ctimeMs: number }[]> {
  const paths = await readdir(folder, { recursive: true });
  return Promise.all(
    paths.map(async (path) => {
      const { blocks, ctimeMs } = await lstat(join(folder, path));
      return { path, blocks, ctimeMs };
    }),
  );
}
