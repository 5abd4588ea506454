/** What the kernel's control groups hold a process to. Sources: https://docs.kernel.org/admin-guide/cgroup-v1/, cgroup-v2.html */
import { readFile } from "node:fs/promises";

import type { Container } from "@glassline/proto/node";

const ROOT = "/sys/fs/cgroup";
/** The kernel rounds to its pages. */
const PAGE_MAX_BYTES = 65_536;

type Limits = Pick<Container, "memoryMaxBytes" | "cpuMillis" | "tasksMax">;

/** Limits that were asked for and are not in force: "memory_max_bytes: got none, expected 1000"; container engines say so in a warning at most. */
export async function unmetLimits(
  processId: number,
  limits: Limits | undefined,
): Promise<string[]> {
  if (!limits) return [];
  const folders = await foldersOf(processId);
  const problems: string[] = [];
  const check = (name: string, got: number | undefined, wanted: number, tolerance: number) => {
    if (wanted > 0 && (got === undefined || Math.abs(got - wanted) > tolerance))
      problems.push(`${name}: got ${got ?? "no limit"}, expected ${wanted}`);
  };
  const { memoryMaxBytes, cpuMillis, tasksMax } = limits;
  check("memory_max_bytes", await memoryMaxOf(folders), Number(memoryMaxBytes), PAGE_MAX_BYTES);
  check("cpu_millis", await cpuMillisOf(folders), cpuMillis, 1);
  check("tasks_max", await numberIn(folders("pids"), "pids.max"), tasksMax, 0);
  return problems;
}

/** How an end for lack of memory is called. */
export const OUT_OF_MEMORY = "it had no memory left (memory_max_bytes)";

/** Whether processes of a group were killed because it had no memory left. @param path below each hierarchy: "/glassline/edge-1". */
export async function wasOutOfMemory(path: string): Promise<boolean> {
  const files = [
    `${ROOT}/memory${path}/memory.oom_control`,
    `${ROOT}${path}/memory.events`,
    `${ROOT}/unified${path}/memory.events`,
  ];
  const texts = await Promise.all(files.map((file) => readFile(file, "utf8").catch(() => "")));
  return texts.some((text) => Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? 0) > 0);
}

/** Where the files of a controller are, for a process. */
type Folders = (controller: string) => string[];

async function foldersOf(processId: number): Promise<Folders> {
  const lines = (await readFile(`/proc/${processId}/cgroup`, "utf8")).trim().split("\n");
  const groups = lines.map((line) => {
    const [, controllers = "", path = "/"] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    return { controllers: controllers.split(","), path };
  });
  return (controller) =>
    groups.flatMap(({ controllers, path }) => {
      if (controllers.includes(controller)) return [`${ROOT}/${controller}${path}`];
      return controllers[0] === "" ? [`${ROOT}${path}`, `${ROOT}/unified${path}`] : [];
    });
}

async function memoryMaxOf(folders: Folders): Promise<number | undefined> {
  const all = folders("memory");
  return (await numberIn(all, "memory.max")) ?? numberIn(all, "memory.limit_in_bytes");
}

async function cpuMillisOf(folders: Folders): Promise<number | undefined> {
  const all = folders("cpu");
  const [quota, period] = (await textIn(all, "cpu.max"))?.split(" ").map(Number) ?? [
    await numberIn(all, "cpu.cfs_quota_us"),
    await numberIn(all, "cpu.cfs_period_us"),
  ];
  return quota && period && quota > 0 ? Math.round((1_000 * quota) / period) : undefined;
}

/** Undefined: there is no such file, or no limit in it. */
async function numberIn(folders: readonly string[], file: string): Promise<number | undefined> {
  const number = Number(await textIn(folders, file));
  return Number.isFinite(number) ? number : undefined;
}

async function textIn(folders: readonly string[], file: string): Promise<string | undefined> {
  for (const folder of folders) {
    const text = await readFile(`${folder}/${file}`, "utf8").catch(() => undefined);
    if (text !== undefined) return text.trim();
  }
  return undefined;
}
