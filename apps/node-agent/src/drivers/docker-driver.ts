/** Edges as containers of Docker, which outlive the agent. An image that is not on the machine is not fetched. */
import type { BundledProgram } from "@glassline/bundle/bundled-program";
import { ContainerDriver } from "@glassline/proto/node";
import type { EdgeSpec } from "@glassline/proto/node";
import type { Clock } from "@glassline/service/clock";
import { messageOf } from "@glassline/service/errors";

import { dockerWishOf, unkeptLimits } from "../core/docker-wish.ts";
import { OUT_OF_MEMORY, unmetLimits } from "./cgroups.ts";
import { LABELS, bindsOf, containerName, environmentOf, labelsOf } from "./container-process.ts";
import { DockerApi } from "./docker-api.ts";
import type { Driver, Ended, Running } from "./driver.ts";
import type { EdgeFiles, PreparedEdge } from "./edge-files.ts";
import { KEPT_LINES, keepLog, lastLines, linesOf } from "./edge-log.ts";
import { hostFiles } from "./host-files.ts";
import { usageOf } from "./processes.ts";

const LOOK_INTERVAL_MS = 500;
/** For edges that get the machine's own Node and program. */
const EMPTY_IMAGE = "glassline/empty:1";
/** The end of a tar archive: two blocks of zeros. */
const EMPTY_ARCHIVE = Buffer.alloc(1_024);

export interface DockerDriverOptions {
  files: EdgeFiles;
  program: BundledProgram;
  /** Of the agent. */
  mark: string;
  clock: Clock;
  /** Of dockerd. */
  socket: string;
}

export function dockerDriver({ files, program, mark, clock, socket }: DockerDriverOptions): Driver {
  const api = new DockerApi(socket);
  const stop = new AbortController();
  const nameOf = (edge: string, instanceId: string) =>
    `glassline-${containerName(edge, instanceId)}`;
  const own = `${LABELS.agent}=${mark}`;
  const ofEdge = (name: string) => api.list(own, `${LABELS.edge}=${name}`);

  const remove = async (id: string, edge: string) => {
    const text = await api.log(id, KEPT_LINES);
    // Whoever removed it before has kept it.
    if (text !== "") await keepLog(files.logDirectory, edge, text);
    await api.remove(id);
  };
  /** Tells the end of a container, also when dockerd is away for a while. */
  const watch = async (id: string, edge: string, ended: Ended) => {
    while (!stop.signal.aborted) {
      try {
        await api.wait(id, stop.signal);
        const state = (await api.inspect(id))?.State;
        if (state?.Running) continue;
        await remove(id, edge);
        return ended(howEnded(state));
      } catch {
        await clock.sleep(LOOK_INTERVAL_MS, stop.signal).catch(() => {});
      }
    }
  };

  return {
    kind: ContainerDriver.DOCKER,
    refusal: () => api.ping().then(() => undefined, messageOf),
    async start(spec, instanceId, ended) {
      const prepared = await files.prepare(spec, instanceId);
      for (const { Id } of await ofEdge(spec.name)) await remove(Id, spec.name);
      const wish = dockerWishOf({
        ...(await contentOf(api, spec, prepared, program)),
        words: prepared.words,
        labels: labelsOf(mark, spec, instanceId),
        user: `${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0}`,
        container: spec.container,
      });
      const { Id: id, Warnings } = await api.create(nameOf(spec.name, instanceId), wish);
      try {
        const unkept = unkeptLimits(Warnings ?? []);
        if (unkept.length > 0) throw new Error(unkept.join("; "));
        await api.start(id);
        const running = runningOf(id, await api.inspect(id));
        await checkLimits(running.processId, spec);
        void watch(id, spec.name, ended);
        return running;
      } catch (error) {
        await remove(id, spec.name).catch(() => {});
        throw error;
      }
    },
    async adopt({ instanceId, spec }, ended): Promise<Running | undefined> {
      const found = await api.inspect(nameOf(spec.name, instanceId));
      if (!found) return undefined;
      if (!found.State.Running) {
        await remove(found.Id, spec.name);
        return undefined;
      }
      void watch(found.Id, spec.name, ended);
      return runningOf(found.Id, found);
    },
    async stop({ spec, instanceId }, patienceMs) {
      const name = nameOf(spec.name, instanceId);
      await api.stop(name, Math.ceil(patienceMs / 1_000));
      await remove(name, spec.name);
    },
    usage: ({ processId }) => usageOf(processId),
    async lastLines(name, maxLines) {
      const [running] = await ofEdge(name);
      if (!running) return lastLines(files.logDirectory, name, maxLines);
      return linesOf(await api.log(running.Id, maxLines));
    },
    async sweep(isKnown) {
      const all = await api.list(own);
      const unknown = all.filter(({ Labels }) => !isKnown(Labels[LABELS.edge] ?? ""));
      for (const { Id } of unknown) await api.remove(Id);
      return unknown.map(({ Id }) => Id);
    },
    [Symbol.asyncDispose]: async () => stop.abort(),
  };
}

/** The image, and what of the machine is in the container. Rejects where there is no such image. */
async function contentOf(
  api: DockerApi,
  spec: EdgeSpec,
  prepared: PreparedEdge,
  program: BundledProgram,
) {
  const image = spec.container?.image ?? "";
  const environment = environmentOf(prepared);
  if (image !== "") {
    if (await api.hasImage(image))
      return { image, entrypoint: undefined, binds: bindsOf(prepared), environment };
    throw new Error(`image: got ${image}, expected one of this machine (docker pull ${image})`);
  }
  if (!(await api.hasImage(EMPTY_IMAGE))) await api.importImage(EMPTY_IMAGE, EMPTY_ARCHIVE);
  const host = await hostFiles(program);
  return {
    image: EMPTY_IMAGE,
    entrypoint: host.args,
    binds: [...host.binds, ...bindsOf(prepared)],
    environment: [...host.environment, ...environment],
  };
}

async function checkLimits(processId: number, { container }: EdgeSpec): Promise<void> {
  // Elsewhere the containers are on a machine of their own.
  if (process.platform !== "linux" || processId === 0) return;
  const unmet = await unmetLimits(processId, container);
  if (unmet.length > 0) throw new Error(unmet.join("; "));
}

function runningOf(id: string, state: { State: { Pid: number } } | undefined): Running {
  const processId = process.platform === "linux" ? (state?.State.Pid ?? 0) : 0;
  return { processId, containerId: id.slice(0, 12) };
}

function howEnded(state: { ExitCode: number; OOMKilled: boolean } | undefined): string {
  if (!state) return "it is not there any more";
  return state.OOMKilled ? OUT_OF_MEMORY : `exit code ${state.ExitCode}`;
}
