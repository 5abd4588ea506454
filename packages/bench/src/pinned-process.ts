/** The system under test as a process of its own, on a core of its own. Linux only: figures come from /proc. */
import type { ChildProcess } from "node:child_process";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { availableParallelism } from "node:os";
import { setTimeout as delay } from "node:timers/promises";

import { accepts } from "./ports.ts";
import type { ProcessMemory } from "./proc.ts";
import { cpuMsOf, memoryOf, residentBytesOf, treeOf } from "./proc.ts";

export const GENERATOR_CORE = 0;
export const SYSTEM_CORE = 1;
const START_TIMEOUT_MS = 20_000;
const RETRY_MS = 50;

export const CAN_PIN = availableParallelism() > 1 && spawnSync("taskset", ["-V"]).status === 0;

/** Moves all threads of this process to the generator's core. */
export function pinGenerator(): void {
  if (CAN_PIN)
    execFileSync("taskset", ["-acp", String(GENERATOR_CORE), String(process.pid)], {
      stdio: "ignore",
    });
}

export interface Command {
  words: readonly [string, ...string[]];
  env?: Readonly<Record<string, string>>;
  /** Where it may run; the system's own core, when this is absent. */
  cores?: readonly number[];
  /** All are open when it is ready. */
  ports: readonly number[];
}

export interface PinnedProcess extends AsyncDisposable {
  /** Of all its threads, and of the processes that it has started, since their start. */
  cpuMs(): number;
  residentBytes(): number;
  memory(): ProcessMemory;
}

/** Resolves when it listens. What it writes goes to stderr. */
export async function startPinned({
  words,
  env = {},
  cores = [SYSTEM_CORE],
  ports,
}: Command): Promise<PinnedProcess> {
  const [command, ...rest] = CAN_PIN ? ["taskset", "-c", cores.join(), ...words] : words;
  const child = spawn(command!, rest, {
    stdio: ["ignore", process.stderr, process.stderr],
    env: { ...process.env, ...env },
  });
  try {
    await Promise.all(ports.map((port) => listening(child, port)));
  } catch (error) {
    await stop(child);
    throw error;
  }
  return {
    cpuMs: () => sum(treeOf(child.pid!).map(cpuMsOf)),
    residentBytes: () => sum(treeOf(child.pid!).map(residentBytesOf)),
    memory: () => memoryOf(child.pid!),
    [Symbol.asyncDispose]: () => stop(child),
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

async function listening(child: ChildProcess, port: number): Promise<void> {
  const untilMs = performance.now() + START_TIMEOUT_MS;
  while (!(await accepts(port))) {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined)
      throw new Error(
        `${child.spawnargs.join(" ")}: got an end, expected it to listen on port ${port}`,
      );
    if (performance.now() > untilMs)
      throw new Error(`port ${port}: got no answer in ${START_TIMEOUT_MS} ms`);
    await delay(RETRY_MS);
  }
}

/** Killed, with all that it has started: what it stored is thrown away. */
async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const ended = once(child, "exit");
  for (const pid of treeOf(child.pid).toReversed()) process.kill(pid, "SIGKILL");
  await ended;
}
