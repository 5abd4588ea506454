/** Apps of a stage, each a process of its own, and other programs. */
import { execFile } from "node:child_process";
import { join } from "node:path";

import { KillableProcess } from "@glassline/bench/killable-process";

import { ROOT_DIRECTORY } from "../page.ts";
import { flags } from "../process-plan.ts";

/** Flags of an app. */
export type Words = Parameters<typeof flags>[0];

export interface Told {
  code: number;
  output: string;
}

export interface Surroundings {
  /** What it is started by. */
  launcher: readonly string[];
  env?: Readonly<Record<string, string>>;
  main?: string;
}

/** Resolves when it is ready. */
export async function startApp(
  app: string,
  words: Words,
  { launcher, env = {}, main = "" }: Surroundings,
): Promise<KillableProcess> {
  const file = join(ROOT_DIRECTORY, main || `apps/${app}/src/main.ts`);
  const started = new KillableProcess(app, [file, ...flags(words)], env, launcher);
  try {
    await started.ready();
    return started;
  } catch (error) {
    await started.end("SIGKILL");
    throw error;
  }
}

export async function run([program = "", ...words]: readonly string[]): Promise<Told> {
  const { promise, resolve } = Promise.withResolvers<Told>();
  execFile(program, words, { maxBuffer: 10_000_000 }, (error, stdout, stderr) => {
    const code = error ? (typeof error.code === "number" ? error.code : -1) : 0;
    resolve({ code, output: stdout + stderr });
  }).stdin?.end();
  return promise;
}
