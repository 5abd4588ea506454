/** The configuration of an OCI container for one edge. Source: https://github.com/opencontainers/runtime-spec/blob/v1.0.2/config.md. Pure. */
import type { Container } from "@glassline/proto/node";

/** A path of the machine that the container has at the same or another place. */
export interface Bind {
  source: string;
  destination: string;
  isWritable: boolean;
}

export interface BundleWish {
  /** Program and words. */
  args: readonly string[];
  /** "NAME=value" */
  environment: readonly string[];
  workingDirectory: string;
  /** Of a root file system. */
  rootPath: string;
  binds: readonly Bind[];
  cgroupsPath: string;
  hostname: string;
  annotations: Readonly<Record<string, string>>;
  limits: Pick<Container, "memoryMaxBytes" | "cpuMillis" | "tasksMax"> | undefined;
}

const CPU_PERIOD_US = 100_000;
const NO_CAPABILITIES = { bounding: [], effective: [], permitted: [], ambient: [] };
/** Of the kernel, what nobody in a container has to know or to set; as runc's own specification has it. */
const MASKED = [
  "/proc/acpi",
  "/proc/kcore",
  "/proc/keys",
  "/proc/latency_stats",
  "/proc/timer_list",
  "/proc/sched_debug",
  "/proc/scsi",
  "/sys/firmware",
];
const READ_ONLY = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];
const TEMPORARY_MAX = "64m";

/** With namespaces of its own but for the network, no capabilities, a root that cannot be written to, and limits. */
export function bundleOf(wish: BundleWish): object {
  return {
    ociVersion: "1.0.2",
    hostname: wish.hostname,
    process: {
      terminal: false,
      user: { uid: 0, gid: 0 },
      args: wish.args,
      env: wish.environment,
      cwd: wish.workingDirectory,
      capabilities: NO_CAPABILITIES,
      noNewPrivileges: true,
    },
    root: { path: wish.rootPath, readonly: true },
    mounts: [...KERNEL_MOUNTS, ...wish.binds.map(mountOf)],
    annotations: wish.annotations,
    linux: {
      cgroupsPath: wish.cgroupsPath,
      namespaces: ["pid", "ipc", "uts", "mount"].map((type) => ({ type })),
      resources: resourcesOf(wish.limits),
      maskedPaths: MASKED,
      readonlyPaths: READ_ONLY,
    },
  };
}

const temporary = (destination: string, ...options: string[]) => ({
  destination,
  type: "tmpfs",
  source: "tmpfs",
  options: ["nosuid", ...options],
});

const KERNEL_MOUNTS = [
  { destination: "/proc", type: "proc", source: "proc" },
  temporary("/dev", "strictatime", "mode=755", "size=65536k"),
  temporary("/dev/shm", "noexec", "nodev", "mode=1777", `size=${TEMPORARY_MAX}`),
  temporary("/tmp", "noexec", "nodev", "mode=1777", `size=${TEMPORARY_MAX}`),
];

function mountOf({ source, destination, isWritable }: Bind) {
  const options = ["rbind", "nosuid", "nodev", isWritable ? "rw" : "ro"];
  return { source, destination, type: "bind", options };
}

/** 0 is no limit; devices are those that runc gives to all. */
function resourcesOf(limits: BundleWish["limits"]): object {
  const { memoryMaxBytes = 0n, cpuMillis = 0, tasksMax = 0 } = limits ?? {};
  const bytes = Number(memoryMaxBytes);
  const quota = Math.round((cpuMillis * CPU_PERIOD_US) / 1_000);
  return {
    devices: [{ allow: false, access: "rwm" }],
    ...(bytes > 0 && { memory: { limit: bytes } }),
    ...(quota > 0 && { cpu: { quota, period: CPU_PERIOD_US } }),
    ...(tasksMax > 0 && { pids: { limit: tasksMax } }),
  };
}
