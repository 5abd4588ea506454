/** What Linux tells of processes and processors: proc_pid_stat(5), proc_pid_status(5), proc_stat(5). */
import { readFileSync } from "node:fs";

/** Clock ticks are USER_HZ: 100 a second on every Linux. */
const MS_PER_TICK = 10;

/** Time of all threads of a process, in user space and in the kernel. */
export function cpuMsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // Fields 14 and 15, utime and stime, counted from behind the command's name.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK;
}

/** A process and those that it has started. */
export function treeOf(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
  return [
    pid,
    ...children
      .split(" ")
      .filter(Boolean)
      .flatMap((child) => treeOf(Number(child))),
  ];
}

/** Memory of a process that is in use: its own and that of mapped files. */
export function residentBytesOf(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? Number.NaN) * 1_024;
}

export interface ProcessMemory {
  residentBytes: number;
  /** Pages that several processes share count as a share. */
  proportionalBytes: number;
  /** Its own, without mapped files. */
  anonymousBytes: number;
}

/** Source: proc_pid_smaps(5), smaps_rollup. */
export function memoryOf(pid: number): ProcessMemory {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  const bytes = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(rollup)?.[1] ?? Number.NaN) * 1_024;
  return {
    residentBytes: bytes("Rss"),
    proportionalBytes: bytes("Pss"),
    anonymousBytes: bytes("Anonymous"),
  };
}

/** Time that all cores together were not idle, or were taken by the hypervisor. */
export function busyMs(): number {
  const [first = ""] = readFileSync("/proc/stat", "utf8").split("\n", 1);
  const [user, nice, system, , , irq, softirq, steal] = first.split(/ +/).slice(1).map(Number);
  return (user! + nice! + system! + irq! + softirq! + steal!) * MS_PER_TICK;
}
