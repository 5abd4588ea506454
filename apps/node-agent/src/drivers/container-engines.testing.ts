/** Container engines of this machine, for tests: runc, and a dockerd with folders of its own. Need root. */
import type { ChildProcess } from "node:child_process";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chmod, copyFile, mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { describe } from "vitest";

import { DockerApi } from "./docker-api.ts";
import { output } from "./programs.ts";

const FOLDERS = ["/usr/sbin", "/usr/bin"];
const START_TIMEOUT_MS = 30_000;
const ARCHIVE_MAX_BYTES = 1_073_741_824;

/** `describe`, or a visible skip; in CI what is missing fails instead. */
export function describeWith(...programs: string[]): typeof describe | typeof describe.skip {
  const lacking = lacks(programs);
  if (lacking === undefined) return describe;
  if (process.env["CI"] === "true")
    throw new Error(`containers: ${lacking}; CI must be root, with runc and docker.io`);
  describe.skip(`skipped: ${lacking}`, () => {});
  return describe.skip;
}

function lacks(programs: readonly string[]): string | undefined {
  if (process.getuid?.() !== 0) return "not root";
  const missing = programs.find(
    (name) => !FOLDERS.some((folder) => existsSync(join(folder, name))),
  );
  return missing === undefined ? undefined : `no ${missing}`;
}

/** A root file system with Node and one program, where images have that of an edge. */
export async function makeRootFolder(
  program: string,
): Promise<{ folder: string } & AsyncDisposable> {
  const folder = await mkdtemp(join(tmpdir(), "gl-root-"));
  const put = async (from: string, to: string) => {
    await mkdir(join(folder, dirname(to)), { recursive: true });
    await copyFile(await realpath(from), join(folder, to));
  };
  const libraries = (await output("ldd", [process.execPath])).matchAll(/(\/\S+) \(0x/g);
  for (const [, path = ""] of libraries) await put(path, path);
  await put(process.execPath, "/usr/local/bin/node");
  const source = join(folder, "app/apps/edge-cache/src");
  await mkdir(source, { recursive: true });
  await writeFile(join(source, "main.ts"), program);
  await chmod(folder, 0o755);
  return {
    folder,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

/** By tar. */
export function archiveOf(folder: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const options = { encoding: "buffer", maxBuffer: ARCHIVE_MAX_BYTES } as const;
    execFile("tar", ["-C", folder, "-c", "."], options, (error, archive) =>
      error ? reject(error) : resolve(archive),
    );
  });
}

export interface Dockerd extends AsyncDisposable {
  socket: string;
  api: DockerApi;
}

/** Without a network of its own: its containers have that of the machine. */
export async function startDockerd(): Promise<Dockerd> {
  const folder = await mkdtemp(join(tmpdir(), "gl-docker-"));
  const socket = join(folder, "docker.sock");
  const words = [
    `--data-root=${join(folder, "data")}`,
    `--exec-root=${join(folder, "exec")}`,
    `--pidfile=${join(folder, "pid")}`,
    `--host=unix://${socket}`,
    "--iptables=false",
    "--bridge=none",
    "--default-ulimit=nofile=1024:20000",
    "--storage-driver=vfs",
  ];
  const child = spawn("dockerd", words, { stdio: ["ignore", "ignore", "pipe"] });
  const said: string[] = [];
  child.stderr.on("data", (chunk: Buffer) => said.push(chunk.toString()));
  const api = new DockerApi(socket);
  const dispose = async () => {
    await end(child);
    // Of containers with the network of the machine.
    await output("umount", [join(folder, "exec", "netns", "default")]).catch(() => {});
    await rm(folder, { recursive: true, force: true });
  };
  const untilMs = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    const isThere = await api.ping().then(
      () => true,
      () => false,
    );
    if (isThere) break;
    if (child.exitCode !== null || performance.now() > untilMs) {
      await dispose();
      throw new Error(`dockerd: got ${said.slice(-20).join("")}, expected it to answer`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return { socket, api, [Symbol.asyncDispose]: dispose };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  await ended;
}
