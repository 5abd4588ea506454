/** Edges as OCI containers of runc, which outlive the agent. Source: https://github.com/opencontainers/runc/tree/main/man */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import type { BundledProgram } from "@glassline/bundle/bundled-program";
import type { EdgeSpec } from "@glassline/proto/node";
import { ContainerDriver } from "@glassline/proto/node";
import type { Clock } from "@glassline/service/clock";
import { messageOf } from "@glassline/service/errors";

import { bundleOf } from "../core/oci-bundle.ts";
import { OUT_OF_MEMORY, unmetLimits, wasOutOfMemory } from "./cgroups.ts";
import { LABELS, bindsOf, containerName, environmentOf, labelsOf } from "./container-process.ts";
import type { Driver, Ended, Running, Started } from "./driver.ts";
import type { EdgeFiles, PreparedEdge } from "./edge-files.ts";
import { lastLines, openLog } from "./edge-log.ts";
import { hostFiles } from "./host-files.ts";
import { endProcess, untilExecuted, usageOf, watchProcess } from "./processes.ts";
import { output } from "./programs.ts";

const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/** As the repository's images have it. */
const IMAGE = { workingDirectory: "/app", args: ["node", "apps/edge-cache/src/main.ts"] };

export interface RuncDriverOptions {
  files: EdgeFiles;
  program: BundledProgram;
  /** Of the agent. */
  mark: string;
  clock: Clock;
}

export function runcDriver({ files, program, mark, clock }: RuncDriverOptions): Driver {
  const root = join(files.dataDir, "runc");
  const bundles = join(files.dataDir, "bundles");
  const stop = new AbortController();
  /** Of those that are watched, by instance id. */
  const watched = new Map<string, AbortController>();
  const runc = (...words: string[]) => output("runc", ["--root", root, ...words]);
  const cgroupOf = (id: string) => `/glassline/${mark}/${id}`;

  const remove = async (id: string) => {
    await runc("delete", "--force", id).catch((error: unknown) => {
      if (!/does not exist/.test(messageOf(error))) throw error;
    });
    await rm(join(bundles, id), { recursive: true, force: true });
  };
  const list = async (): Promise<{ id: string; edge: string }[]> => {
    if (!existsSync(root)) return [];
    const all = (JSON.parse(await runc("list", "--format=json")) ?? []) as readonly Listed[];
    return all.map(({ id, annotations }) => ({ id, edge: annotations?.[LABELS.edge] ?? "" }));
  };
  const watch = (id: string, { instanceId, processId }: Started, ended: Ended) => {
    const abort = new AbortController();
    watched.set(instanceId, abort);
    const gone = async (how: string) => {
      if (abort.signal.aborted) return;
      watched.delete(instanceId);
      const isOut = await wasOutOfMemory(cgroupOf(id));
      await remove(id).catch(() => {});
      ended(isOut ? OUT_OF_MEMORY : how);
    };
    const signal = AbortSignal.any([stop.signal, abort.signal]);
    const asked = { clock, stop: signal, ended: (how: string) => void gone(how) };
    void watchProcess({ instanceId, processId }, asked);
  };

  return {
    kind: ContainerDriver.RUNC,
    refusal: async () => {
      const why = await refusal();
      // The first edge that comes does not wait for it.
      if (why === undefined) void program.made().catch(() => {});
      return why;
    },
    async start(spec, instanceId, ended) {
      const prepared = await files.prepare(spec, instanceId);
      for (const { id, edge } of await list()) if (edge === spec.name) await remove(id);
      const id = containerName(spec.name, instanceId);
      const bundle = join(bundles, id);
      await writeBundle(bundle, spec, prepared, {
        cgroupsPath: cgroupOf(id),
        annotations: labelsOf(mark, spec, instanceId),
        program,
      });
      try {
        await using log = await openLog(files.logDirectory, spec.name);
        await run(root, bundle, id, log.fd);
        const processId = Number(await readFile(join(bundle, "pid"), "utf8"));
        await untilExecuted({ instanceId, processId }, clock);
        const unmet = await unmetLimits(processId, spec.container);
        if (unmet.length > 0) throw new Error(unmet.join("; "));
        watch(id, { instanceId, processId, spec }, ended);
        return { processId, containerId: id };
      } catch (error) {
        await remove(id).catch(() => {});
        throw error;
      }
    },
    async adopt({ instanceId, spec }, ended): Promise<Running | undefined> {
      const id = containerName(spec.name, instanceId);
      const state = await runc("state", id).catch((error: unknown) => {
        if (/does not exist/.test(messageOf(error))) return undefined;
        throw error;
      });
      const { status, pid } = JSON.parse(state ?? "{}") as { status?: string; pid?: number };
      if (status !== "running" || pid === undefined) return undefined;
      await untilExecuted({ instanceId, processId: pid }, clock);
      watch(id, { instanceId, processId: pid, spec }, ended);
      return { processId: pid, containerId: id };
    },
    async stop(started, patienceMs) {
      watched.get(started.instanceId)?.abort();
      watched.delete(started.instanceId);
      await endProcess(started, patienceMs, clock);
      await remove(containerName(started.spec.name, started.instanceId));
    },
    usage: ({ processId }) => usageOf(processId),
    lastLines: (name, maxLines) => lastLines(files.logDirectory, name, maxLines),
    async sweep(isKnown) {
      const unknown = (await list()).filter(({ edge }) => !isKnown(edge));
      for (const { id } of unknown) await remove(id);
      return unknown.map(({ id }) => id);
    },
    [Symbol.asyncDispose]: async () => stop.abort(),
  };
}

interface Listed {
  id: string;
  annotations?: Record<string, string>;
}

async function refusal(): Promise<string | undefined> {
  if (process.platform !== "linux") return `got ${process.platform}, expected Linux`;
  if (process.getuid?.() !== 0) return `got user ${process.getuid?.()}, expected root`;
  return output("runc", ["--version"]).then(() => undefined, messageOf);
}

interface BundleMore {
  cgroupsPath: string;
  annotations: Record<string, string>;
  /** For a container without an image. */
  program: BundledProgram;
}

/** A container without an image gets the machine's Node and libraries, read-only, in a root that is empty otherwise. */
async function writeBundle(
  bundle: string,
  spec: EdgeSpec,
  prepared: PreparedEdge,
  { program, ...more }: BundleMore,
): Promise<void> {
  const image = spec.container?.image ?? "";
  const rootPath = image === "" ? join(bundle, "rootfs") : image;
  if (image === "") await mkdir(rootPath, { recursive: true, mode: 0o755 });
  else if (!existsSync(image)) throw new Error(`image: got ${image}, expected a folder`);
  const host = image === "" ? await hostFiles(program) : undefined;
  const config = bundleOf({
    args: [...(host?.args ?? IMAGE.args), ...prepared.words],
    environment: [
      `PATH=${PATH}`,
      "HOME=/tmp",
      ...(host?.environment ?? []),
      ...environmentOf(prepared),
    ],
    workingDirectory: host ? "/" : IMAGE.workingDirectory,
    rootPath,
    binds: [...(host?.binds ?? []), ...bindsOf(prepared)],
    hostname: spec.name,
    limits: spec.container,
    ...more,
  });
  await mkdir(bundle, { recursive: true, mode: 0o700 });
  await writeFile(join(bundle, "config.json"), JSON.stringify(config), { mode: 0o600 });
}

/** Resolves when the container runs; what it writes goes to the file. Rejects with what runc says. */
async function run(root: string, bundle: string, id: string, log: number): Promise<void> {
  const said = join(bundle, "runc.log");
  const own = ["--root", root, "--log", said, "--log-format", "json"];
  const words = ["run", "--detach", "--bundle", bundle, "--pid-file", join(bundle, "pid"), id];
  const child = spawn("runc", [...own, ...words], {
    // It goes on when the agent ends.
    detached: true,
    stdio: ["ignore", log, log],
  });
  const [code, signal] = (await once(child, "exit")) as [number | null, string | null];
  if (code === 0) return;
  const lines = (await readFile(said, "utf8").catch(() => "")).trim().split("\n");
  throw new Error(`runc: ${messageIn(lines.at(-1) ?? "") ?? signal ?? `exit code ${code}`}`);
}

function messageIn(line: string): string | undefined {
  try {
    return (JSON.parse(line) as { msg: string }).msg;
  } catch {
    return undefined;
  }
}
