/**
 * `npm run image:check [-- APP...]`: makes each app's tree as its image would have it, starts it from there, asks for its
 * health and stops it. Needs no Docker.
 */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { App } from "./images/apps.ts";
import { ROOT, discoverApps } from "./images/apps.ts";
import { copyContext } from "./images/context.ts";
import { countPackages, makeTree, sizeOf } from "./images/tree.ts";
import { tryApp } from "./images/trial.ts";

const COMMAND = "npm run image:check";
const AT_A_TIME = 2;
const EXIT = { usage: 64, interrupted: 130 } as const;

await main(process.argv.slice(2));

async function main(names: readonly string[]): Promise<void> {
  const apps = await discoverApps(ROOT);
  const known = apps.map(({ name }) => name);
  if (names.includes("--help")) {
    console.log(helpText(known));
    return;
  }
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    const [got, expected] = [unknown.join(", "), known.join(", ")];
    console.error(`apps: got ${got}, expected some of ${expected}\nSee: ${COMMAND} -- --help`);
    process.exitCode = EXIT.usage;
    return;
  }
  const chosen = names.length === 0 ? apps : apps.filter(({ name }) => names.includes(name));
  const signal = interruption();
  const scratch = await mkdtemp(join(tmpdir(), "glassline-images-"));
  try {
    await checkAll(chosen, scratch, signal);
  } finally {
    await rm(scratch, { recursive: true, force: true, maxRetries: 3 });
  }
  if (signal.aborted) process.exitCode = EXIT.interrupted;
}

function helpText(known: readonly string[]): string {
  return `Makes each app's tree as its image would have it, starts it from there, asks for its health and stops it. Needs no Docker,
but the npm registry, or what npm has of it in its cache.

Usage: ${COMMAND} [-- APP...]

Apps (all, when none is named): ${known.join(", ")}

Exit code: 0 all passed, 1 some failed, ${EXIT.usage} wrong usage, ${EXIT.interrupted} interrupted`;
}

/** The first Ctrl-C stops what runs and cleans up. */
function interruption(): AbortSignal {
  const abort = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => abort.abort());
  return abort.signal;
}

async function checkAll(apps: readonly App[], scratch: string, signal: AbortSignal): Promise<void> {
  const startMs = performance.now();
  const context = join(scratch, "context");
  await copyContext(ROOT, context);
  const waiting = [...apps];
  let failed = 0;
  const worker = async () => {
    for (let app = waiting.shift(); app && !signal.aborted; app = waiting.shift())
      if (!(await check(app, context, join(scratch, app.name), signal))) failed++;
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, worker));
  if (signal.aborted) return;
  console.log(
    `${apps.length - failed} passed, ${failed} failed, ${seconds(performance.now() - startMs)}`,
  );
  if (failed > 0) process.exitCode = 1;
}

async function check(
  app: App,
  context: string,
  folder: string,
  signal: AbortSignal,
): Promise<boolean> {
  const say = (step: string) => console.log(`        ${app.name}: ${step} ...`);
  try {
    await mkdir(folder);
    const tree = await makeTree(app, { context, folder, signal, say });
    const [packages, bytes] = await Promise.all([countPackages(tree), sizeOf(tree)]);
    say("starting");
    const startMs = await tryApp(app, tree, folder, signal);
    const size = `${(bytes / 2 ** 20).toFixed(1)} MiB`;
    console.log(
      `ok      ${app.name.padEnd(12)} ${size.padStart(9)}, ${packages} packages, alive after ${seconds(startMs)}`,
    );
    return true;
  } catch (error) {
    if (!signal.aborted)
      console.log(`FAILED  ${app.name}\n${(error as Error).message.replaceAll(/^/gm, "        ")}`);
    return false;
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
