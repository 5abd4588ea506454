/** A real PostgreSQL in a folder of its own, on loopback. */
import type { ChildProcess } from "node:child_process";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { chmod, chown, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";

import { freePort } from "@glassline/bench/ports";
import type { PoolConfig } from "pg";
import { Client } from "pg";
import { describe } from "vitest";

const VERSIONS = "/usr/lib/postgresql";
const START_TIMEOUT_MS = 30_000;
const RETRY_MS = 50;
const run = promisify(execFile);

/** The folder of its programs, of the newest version; undefined: there is none. */
function programs(): string | undefined {
  const versions = existsSync(VERSIONS) ? readdirSync(VERSIONS) : [];
  const newest = versions.toSorted((a, b) => Number(b) - Number(a))[0];
  return newest === undefined ? undefined : join(VERSIONS, newest, "bin");
}

export const hasPostgres = (): boolean => programs() !== undefined;

/** `describe`, or a visible skip; in CI a missing PostgreSQL fails instead. */
export function describeWithPostgres(): typeof describe | typeof describe.skip {
  if (hasPostgres()) return describe;
  if (process.env["CI"] === "true")
    throw new Error(`${VERSIONS}: no such folder; CI must install postgresql`);
  describe.skip("skipped: no PostgreSQL", () => {});
  return describe.skip;
}

export interface Postgres extends AsyncDisposable {
  /** Of a new database. */
  database(): Promise<string>;
  /** SIGSTOP and SIGCONT of all its processes. */
  freeze(): Promise<void>;
  thaw(): Promise<void>;
  /** At once, as after a loss of power. */
  kill(): Promise<void>;
  start(): Promise<void>;
}

/** It does not run as root: Debian's user postgres has it then. */
async function owner(): Promise<{ uid?: number; gid?: number }> {
  if (process.getuid?.() !== 0) return {};
  const [uid, gid] = await Promise.all(
    ["-u", "-g"].map(async (flag) => Number((await run("id", [flag, "postgres"])).stdout)),
  );
  return { uid: uid!, gid: gid! };
}

/** To one that others keep busy: who waits longer is told what it waited for, and not that it was late. */
export const patiently = (url: string): PoolConfig => ({
  connectionString: url,
  connectionTimeoutMillis: 30_000,
  statement_timeout: 30_000,
  query_timeout: 31_000,
});

export async function startPostgres(): Promise<Postgres> {
  const bin = programs()!;
  const as = await owner();
  const directory = await mkdtemp(join(tmpdir(), "glassline-postgres-"));
  await chmod(directory, 0o755);
  const data = join(directory, "data");
  await mkdir(data, { mode: 0o700 });
  if (as.uid !== undefined) await chown(data, as.uid, as.gid!);
  const initialised = ["-D", data, "-U", "glassline", "-A", "trust", "-E", "UTF8", "--no-sync"];
  await run(join(bin, "initdb"), initialised, { ...as, cwd: data });
  const port = await freePort();
  let running: ChildProcess | undefined;
  const url = (name: string) => `postgres://glassline@127.0.0.1:${port}/${name}`;
  const ask = async (text: string) => {
    const client = new Client({ connectionString: url("postgres") });
    await client.connect();
    await client.query(text).finally(() => client.end());
  };
  const start = async () => {
    const settings = [`listen_addresses=127.0.0.1`, `port=${port}`, `unix_socket_directories=`];
    const words = ["-D", data, ...settings.flatMap((each) => ["-c", each])];
    running = spawn(join(bin, "postgres"), words, {
      ...as,
      cwd: data,
      stdio: "ignore",
      detached: true,
    });
    await untilItAnswers(() => ask("SELECT 1"));
  };
  const kill = async () => {
    const child = running;
    running = undefined;
    if (child?.exitCode !== null || child.pid === undefined) return;
    await signalAll(child.pid, "SIGCONT");
    const exited = once(child, "exit");
    // SIGQUIT: no checkpoint, as after a crash.
    process.kill(child.pid, "SIGQUIT");
    await exited;
  };
  let databases = 0;
  await start();
  return {
    start,
    kill,
    freeze: () => signalAll(running!.pid!, "SIGSTOP"),
    thaw: () => signalAll(running!.pid!, "SIGCONT"),
    database: async () => {
      const name = `journal_${++databases}`;
      await ask(`CREATE DATABASE ${name}`);
      return url(name);
    },
    [Symbol.asyncDispose]: async () => {
      await kill();
      await rm(directory, { recursive: true, force: true, maxRetries: 10 });
    },
  };
}

async function untilItAnswers(ask: () => Promise<void>): Promise<void> {
  const deadlineMs = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (performance.now() > deadlineMs) throw error;
      await delay(RETRY_MS);
    }
  }
}

/** To a process and its children. */
async function signalAll(parent: number, signal: NodeJS.Signals): Promise<void> {
  const { stdout } = await run("pgrep", ["-P", String(parent)]).catch(() => ({ stdout: "" }));
  for (const pid of [parent, ...stdout.split("\n").filter(Boolean).map(Number)])
    try {
      process.kill(pid, signal);
    } catch {
      // It has ended meanwhile.
    }
}
