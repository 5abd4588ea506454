/** Programs of others, started for a test and stopped with it. */
import { spawn } from "node:child_process";
import { once } from "node:events";

export interface RunningProgram extends AsyncDisposable {
  /** What it has said so far. */
  readonly output: string;
}

export function startProgram(
  path: string,
  words: readonly string[],
  environment: NodeJS.ProcessEnv = process.env,
): RunningProgram {
  const child = spawn(path, words, { stdio: ["ignore", "pipe", "pipe"], env: environment });
  const ended = once(child, "exit");
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
  return {
    get output() {
      return output;
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await ended;
    },
  };
}
