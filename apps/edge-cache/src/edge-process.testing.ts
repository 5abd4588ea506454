/** An edge as a process of its own, for tests of signals and of memory. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { residentBytesOf } from "@glassline/bench/proc";

const MAIN = fileURLToPath(new URL("main.ts", import.meta.url));

export interface EdgeProcess extends AsyncDisposable {
  port: number;
  adminPort: number;
  plainPort: number | undefined;
  residentBytes(): number;
  kill(signal: NodeJS.Signals): void;
  /** Its exit code, or the signal that ended it. */
  ended: Promise<number | NodeJS.Signals>;
  /** Of its metrics, the sum over what the pattern matches. */
  counted(series: RegExp): Promise<number>;
}

/** @param origin "http://127.0.0.1:8000". */
export async function startEdgeProcess(
  origin: string,
  words: readonly string[] = [],
): Promise<EdgeProcess> {
  const directory = await mkdtemp(join(tmpdir(), "glassline-edge-"));
  const ports = ["--port=0", "--grpc-port=0", "--admin-port=0"];
  const own = [`--origin=${origin}`, `--pki-dir=${directory}`, "--log-level=error", ...ports];
  const child = fork(MAIN, [...own, ...words], { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  const ended = once(child, "exit").then(([code, signal]) => (signal ?? code) as number);
  const message = await Promise.race([once(child, "message"), ended]);
  if (!Array.isArray(message)) throw new Error(`the edge: got an end (${message})`);
  const { ready } = message[0] as {
    ready: { port: number; plainPort?: number; adminPort: number };
  };
  return {
    ...ready,
    plainPort: ready.plainPort,
    ended,
    residentBytes: () => residentBytesOf(child.pid!),
    kill: (signal) => void child.kill(signal),
    counted: async (series) => {
      const answer = await fetch(`http://127.0.0.1:${ready.adminPort}/metrics`);
      const lines = (await answer.text())
        .split("\n")
        .filter((line) => !line.startsWith("#") && series.test(line));
      return lines.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
    },
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await ended;
      await rm(directory, { recursive: true, force: true });
    },
  };
}
