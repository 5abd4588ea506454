/** Edges as child processes that outlive the agent. */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, open, readFile, readdir, rename, stat } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

import type { EdgeSpec } from "@glassline/proto/node";
import type { Clock } from "@glassline/service/clock";
import { systemCodeOf } from "@glassline/service/errors";

import type { Driver, Ended, Started } from "./driver.ts";

const LOOK_INTERVAL_MS = 200;
const READY_TIMEOUT_MS = 1_000;
const LOG_MAX_BYTES = 8_388_608;

export interface ProcessDriverOptions {
  /** main.ts of the edge cache. */
  program: string;
  logDirectory: string;
  pkiDir: string;
  logLevel: string;
  /** Of an edge that is told to stop. */
  drainMs: number;
  /** Given to edges; not on their command line, which everybody on the machine can read. */
  adminToken: string;
  clock: Clock;
}

export function processDriver(options: ProcessDriverOptions): Driver {
  const { clock } = options;
  const stop = new AbortController();

  /** Processes that are no children of this life are looked at, again and again. */
  const watch = async (started: Started, ended: Ended) => {
    while (!stop.signal.aborted) {
      if (!(await isRunning(started))) return ended("it is not there any more");
      await clock.sleep(LOOK_INTERVAL_MS, stop.signal).catch(() => {});
    }
  };

  return {
    async start(spec, instanceId, ended) {
      await using log = await openLog(options.logDirectory, spec.name);
      const child = spawn(
        process.execPath,
        [options.program, ...wordsOf(spec, instanceId, options)],
        {
          // A session of its own and no channel to the agent: it goes on when the agent ends.
          detached: true,
          stdio: ["ignore", log.fd, log.fd],
          env: { ...process.env, GLASSLINE_EDGE_CACHE_ADMIN_TOKEN: options.adminToken },
        },
      );
      await once(child, "spawn");
      child.once("exit", (code, signal) => ended(signal ?? `exit code ${code}`));
      child.unref();
      return child.pid!;
    },
    async adopt({ instanceId, processId }, ended) {
      const found = await findProcess({ instanceId, processId });
      if (found !== undefined) void watch({ instanceId, processId: found }, ended);
      return found;
    },
    async stop(started, patienceMs) {
      const deadlineMs = clock.monotonicMs() + patienceMs;
      await signal(started, "SIGTERM");
      while (await isRunning(started)) {
        if (clock.monotonicMs() > deadlineMs) await signal(started, "SIGKILL");
        await clock.sleep(LOOK_INTERVAL_MS / 4);
      }
    },
    isReady,
    [Symbol.asyncDispose]: async () => stop.abort(),
  };
}

function wordsOf(
  spec: EdgeSpec,
  instanceId: string,
  { pkiDir, logLevel, drainMs }: ProcessDriverOptions,
): string[] {
  const one = (flag: string, value: string | number) => `--${flag}=${value}`;
  return [
    one("instance-id", instanceId),
    one("name", spec.name),
    one("port", spec.port),
    one("grpc-port", spec.grpcPort),
    one("admin-port", spec.adminPort),
    one("public-url", spec.publicUrl),
    one("origin", spec.originUrl),
    one("pki-dir", pkiDir),
    one("log-level", logLevel),
    one("drain", drainMs === 0 ? "0" : `${drainMs}ms`),
    ...(spec.storeMaxBytes > 0n ? [one("memory", `${spec.storeMaxBytes}B`)] : []),
    ...spec.peers.map(({ name, publicUrl }) => one("peer", `${name}=${publicUrl}`)),
    ...(spec.clusterPort > 0 ? [one("cluster-port", spec.clusterPort)] : []),
    ...spec.peers
      .filter(({ clusterUrl }) => clusterUrl !== "")
      .map(({ name, clusterUrl }) => one("member", `${name}=${clusterUrl}`)),
    ...spec.allowedOrigins.map((origin) => one("allowed-origin", origin)),
  ];
}

async function isReady({ adminPort }: EdgeSpec): Promise<boolean> {
  try {
    const signal = AbortSignal.timeout(READY_TIMEOUT_MS);
    const response = await fetch(`http://127.0.0.1:${adminPort}/readyz`, { signal });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}

/** A number may have been given to another process meanwhile: that one is never signalled. */
async function signal(started: Started, name: NodeJS.Signals): Promise<void> {
  if (!(await isRunning(started))) return;
  try {
    process.kill(started.processId, name);
  } catch (error) {
    if (systemCodeOf(error) !== "ESRCH") throw error;
  }
}

/** @returns the process that was started, also when its number was not written down any more. */
export async function findProcess({ processId, instanceId }: Started): Promise<number | undefined> {
  if (processId > 0) return (await isRunning({ processId, instanceId })) ? processId : undefined;
  const all = await commandLines();
  return all.find(({ commandLine }) => commandLine.includes(instanceId))?.processId;
}

async function isRunning({ processId, instanceId }: Started): Promise<boolean> {
  try {
    process.kill(processId, 0);
  } catch (error) {
    // EPERM: the number belongs to another user's process by now.
    if (["ESRCH", "EPERM"].includes(systemCodeOf(error) ?? "")) return false;
    throw error;
  }
  return (await commandLineOf(processId)).includes(instanceId);
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

/** Appends; a log that has grown large makes room for a new one first. */
async function openLog(directory: string, name: string) {
  await mkdir(directory, { recursive: true });
  const path = join(directory, `${name}.log`);
  const size = await stat(path).then(
    (information) => information.size,
    () => 0,
  );
  if (size > LOG_MAX_BYTES) await rename(path, `${path}.1`);
  return open(path, "a", 0o600);
}
