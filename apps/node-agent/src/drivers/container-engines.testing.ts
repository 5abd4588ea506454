/** Container engines of this machine, for tests: runc, and a dockerd with folders of its own. Need root. */
import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { describe } from "vitest";

import { DockerApi } from "./docker-api.ts";
import { output } from "./programs.ts";

const FOLDERS = ["/usr/sbin", "/usr/bin"];
const START_TIMEOUT_MS = 30_000;

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
