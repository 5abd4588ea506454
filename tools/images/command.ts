/** Commands of the recipe, run in a scratch folder. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { delimiter, join } from "node:path";

import { ROOT } from "./apps.ts";

const OUTPUT_MAX_CHARACTERS = 20_000;

/** What a command or an app said last: enough to see why it failed. */
export function lastWords(streams: readonly (NodeJS.ReadableStream | null)[]): () => string {
  let output = "";
  for (const stream of streams)
    stream?.on("data", (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-OUTPUT_MAX_CHARACTERS);
    });
  return () => output.trimEnd();
}

/** Runs a command line without a shell. Fails with its output when its exit code is not 0. */
export async function run(line: string, cwd: string, signal: AbortSignal): Promise<void> {
  const [program, ...words] = line.split(" ");
  const child = spawn(program!, words, {
    cwd,
    signal,
    stdio: ["ignore", "pipe", "pipe"],
    env: commandEnvironment(),
  });
  const said = lastWords([child.stdout, child.stderr]);
  const [code, killedBy] = (await once(child, "close")) as [number | null, string | null];
  if (code !== 0)
    throw new Error(`${line}: got ${killedBy ?? `exit code ${code}`}, expected 0\n${said()}`);
}

/** The root's turbo, and nothing of the `npm run` that started this: NODE_ENV alone would leave out what a build needs. */
function commandEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^npm_(package|lifecycle|command)|^(INIT_CWD|NODE_ENV)$/.test(name),
  );
  return {
    ...Object.fromEntries(kept),
    PATH: [join(ROOT, "node_modules/.bin"), process.env["PATH"]].join(delimiter),
    DO_NOT_TRACK: "1",
    TURBO_TELEMETRY_DISABLED: "1",
  };
}
