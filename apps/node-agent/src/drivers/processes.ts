/** Processes of this machine, known by their number and by the instance id in their command line. */
import { execFile } from "node:child_process";
import { readFile, readdir } from "node:fs/promises";
import { promisify } from "node:util";

import type { Clock } from "@glassline/service/clock";
import { systemCodeOf } from "@glassline/service/errors";

import type { Ended, Started, Usage } from "./driver.ts";

const LOOK_INTERVAL_MS = 200;
/** Between the making of a container's process and its program. */
const [EXECUTION_TIMEOUT_MS, EXECUTION_LOOK_MS] = [10_000, 5];
/** Source: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html; 100 ticks a second on all platforms that Node has. */
const TICK_MS = 10;
/** Zombie and dead. */
const ENDED_STATES: ReadonlySet<string> = new Set(["Z", "X"]);

export type ProcessName = Pick<Started, "processId" | "instanceId">;

/** @returns the process that was started, also when its number was not written down any more. */
export async function findProcess({
  processId,
  instanceId,
}: ProcessName): Promise<number | undefined> {
  if (processId > 0) return (await isRunning({ processId, instanceId })) ? processId : undefined;
  const all = await commandLines();
  return all.find(({ commandLine }) => commandLine.includes(instanceId))?.processId;
}

export async function isRunning({ processId, instanceId }: ProcessName): Promise<boolean> {
  try {
    process.kill(processId, 0);
  } catch (error) {
    // EPERM: the number belongs to another user's process by now.
    if (["ESRCH", "EPERM"].includes(systemCodeOf(error) ?? "")) return false;
    throw error;
  }
  return (await commandLineOf(processId)).includes(instanceId);
}

/** A number may have been given to another process meanwhile: that one is never signalled. */
export async function signal(name: ProcessName, what: NodeJS.Signals): Promise<void> {
  if (!(await isRunning(name))) return;
  try {
    process.kill(name.processId, what);
  } catch (error) {
    if (systemCodeOf(error) !== "ESRCH") throw error;
  }
}

/** Asks it to end, and ends it when its patience is over. Resolves when it has ended. */
export async function endProcess(
  name: ProcessName,
  patienceMs: number,
  clock: Clock,
): Promise<void> {
  const deadlineMs = clock.monotonicMs() + patienceMs;
  await signal(name, "SIGTERM");
  while (await isRunning(name)) {
    if (clock.monotonicMs() > deadlineMs) await signal(name, "SIGKILL");
    await clock.sleep(LOOK_INTERVAL_MS / 4);
  }
}

/** Of Linux: resolves when a process that has just been made is the program that it shall be, or has ended. */
export async function untilExecuted(name: ProcessName, clock: Clock): Promise<void> {
  const deadlineMs = clock.monotonicMs() + EXECUTION_TIMEOUT_MS;
  while (clock.monotonicMs() < deadlineMs && !(await isRunning(name))) {
    // Its command line does not tell: between one program and the next it is empty too.
    if (await hasEnded(name.processId)) return;
    await clock.sleep(EXECUTION_LOOK_MS);
  }
}

/** Not there any more, or waits to be collected. */
async function hasEnded(processId: number): Promise<boolean> {
  const [state] = await statOf(processId).catch(() => []);
  return state === undefined || ENDED_STATES.has(state);
}

/** A process that is no child of this one is looked at, again and again. @param ended is told when it is not there any more. */
export async function watchProcess(
  name: ProcessName,
  { clock, stop, ended }: { clock: Clock; stop: AbortSignal; ended: Ended },
): Promise<void> {
  while (!stop.aborted) {
    if (!(await isRunning(name))) return ended("it is not there any more");
    await clock.sleep(LOOK_INTERVAL_MS, stop).catch(() => {});
  }
}

/** Of one process. Undefined where the machine does not tell. */
export async function usageOf(processId: number): Promise<Usage | undefined> {
  if (process.platform !== "linux" || processId === 0) return undefined;
  try {
    const [status, fields] = await Promise.all([
      readFile(`/proc/${processId}/status`, "utf8"),
      statOf(processId),
    ]);
    const kibibytes = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0);
    // utime and stime are 14 and 15.
    const ticks = Number(fields[14 - 3]) + Number(fields[15 - 3]);
    return { memoryBytes: 1_024 * kibibytes, cpuMs: TICK_MS * ticks };
  } catch {
    // It has ended.
    return undefined;
  }
}

/** Fields from the third on, the state: they come behind the name, which may hold anything. */
async function statOf(processId: number): Promise<string[]> {
  const stat = await readFile(`/proc/${processId}/stat`, "utf8");
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}

/** Empty for a process that has ended and waits to be collected. */
async function commandLineOf(processId: number): Promise<string> {
  return process.platform === "linux"
    ? readFile(`/proc/${processId}/cmdline`, "utf8").catch(() => "")
    : ps("-o", "command=", "-p", String(processId));
}

async function commandLines(): Promise<{ processId: number; commandLine: string }[]> {
  if (process.platform !== "linux")
    return (await ps("-axo", "pid=,command=")).split("\n").map((line) => ({
      processId: Number.parseInt(line, 10),
      commandLine: line,
    }));
  const names = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
  return Promise.all(
    names.map(async (processId) => ({ processId, commandLine: await commandLineOf(processId) })),
  );
}

/** Source: https://pubs.opengroup.org/onlinepubs/9799919799/utilities/ps.html */
async function ps(...words: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)("ps", words).catch(() => ({ stdout: "" }));
  return stdout;
}
