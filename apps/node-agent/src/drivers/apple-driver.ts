/** Edges in Apple's `container` on macOS: each in a virtual machine of its own, which outlives the agent. Not tried on a Mac yet. */
import type { EdgeSpec } from "@glassline/proto/node";
import { ContainerDriver } from "@glassline/proto/node";
import type { Clock } from "@glassline/service/clock";
import { messageOf } from "@glassline/service/errors";

import type { AppleContainer } from "../core/apple-container.ts";
import { containersIn, runWords, usageIn, withinMachine } from "../core/apple-container.ts";
import { LABELS, containerName, environmentOf, labelsOf } from "./container-process.ts";
import type { Driver, Ended, Started } from "./driver.ts";
import type { EdgeFiles } from "./edge-files.ts";
import { KEPT_LINES, keepLog, lastLines, linesOf } from "./edge-log.ts";
import { output } from "./programs.ts";

const PROGRAM = "container";
const LOOK_INTERVAL_MS = 1_000;
const RUN_TIMEOUT_MS = 120_000;
/** Beyond the patience with the edge. */
const STOP_TIMEOUT_MS = 10_000;

export interface AppleDriverOptions {
  files: EdgeFiles;
  /** Of the agent. */
  mark: string;
  clock: Clock;
}

export function appleDriver({ files, mark, clock }: AppleDriverOptions): Driver {
  const stop = new AbortController();
  /** Of those that are watched, by id. */
  const watched = new Map<string, AbortController>();
  const idOf = ({ spec, instanceId }: Pick<Started, "spec" | "instanceId">) =>
    `glassline-${containerName(spec.name, instanceId)}`;

  const list = async (): Promise<AppleContainer[]> => {
    const all = containersIn(await output(PROGRAM, ["ls", "--format", "json", "--all"]));
    return all.filter(({ labels }) => labels[LABELS.agent] === mark);
  };
  const find = async (id: string) => (await list()).find((each) => each.id === id);
  const logOf = (id: string, lines: number) =>
    output(PROGRAM, ["logs", "-n", String(lines), id]).catch(() => "");
  const remove = async (id: string, edge: string) => {
    const text = await logOf(id, KEPT_LINES);
    if (text !== "") await keepLog(files.logDirectory, edge, text);
    await output(PROGRAM, ["rm", "--force", id]).catch(async (error: unknown) => {
      // Whoever else saw its end has removed it.
      if (await find(id)) throw error;
    });
  };
  const unwatch = (id: string) => {
    watched.get(id)?.abort();
    watched.delete(id);
  };
  /** Tells the end of a container. What cannot be asked, as after a start of the Mac, is asked again. */
  const watch = async (id: string, edge: string, ended: Ended) => {
    unwatch(id);
    const abort = new AbortController();
    watched.set(id, abort);
    const signal = AbortSignal.any([stop.signal, abort.signal]);
    while (!signal.aborted) {
      await clock.sleep(LOOK_INTERVAL_MS, signal).catch(() => {});
      try {
        const found = await find(id);
        if (signal.aborted) return;
        // One that is "stopping" drains.
        if (found && found.status !== "stopped") continue;
        if (found) await remove(id, edge);
        watched.delete(id);
        return ended(found ? `it is ${found.status}` : "it is not there any more");
      } catch {
        // It is asked again.
      }
    }
  };
  const start = async (spec: EdgeSpec, instanceId: string) => {
    for (const { id, labels } of await list())
      if (labels[LABELS.edge] === spec.name) await remove(id, spec.name);
    const prepared = await files.prepare(withinMachine(spec), instanceId, { isPkiCopied: true });
    const id = idOf({ spec, instanceId });
    const heard = spec.host === "" ? [] : [`--allowed-host=${spec.host}`];
    const environment = Object.fromEntries(environmentOf(prepared).map(entryOf));
    const words = runWords({
      id,
      spec,
      words: [...prepared.words, ...heard],
      environment: Object.keys(environment),
      labels: labelsOf(mark, spec, instanceId),
      readOnly: prepared.readOnly,
      folder: prepared.folder,
    });
    try {
      await output(PROGRAM, words, RUN_TIMEOUT_MS, environment);
    } catch (error) {
      await output(PROGRAM, ["rm", "--force", id]).catch(() => {});
      throw error;
    }
    return id;
  };

  return {
    kind: ContainerDriver.APPLE,
    refusal: () => output(PROGRAM, ["system", "status"]).then(() => undefined, messageOf),
    async start(spec, instanceId, ended) {
      const containerId = await start(spec, instanceId);
      void watch(containerId, spec.name, ended);
      return { processId: 0, containerId };
    },
    async adopt(started, ended) {
      const found = await find(idOf(started));
      if (found?.status !== "running") return undefined;
      void watch(found.id, started.spec.name, ended);
      return { processId: 0, containerId: found.id };
    },
    async stop(started, patienceMs) {
      const id = idOf(started);
      unwatch(id);
      const words = ["stop", "--time", String(Math.ceil(patienceMs / 1_000)), id];
      await output(PROGRAM, words, patienceMs + STOP_TIMEOUT_MS).catch(() =>
        output(PROGRAM, ["kill", id]).catch(() => {}),
      );
      if (await find(id)) await remove(id, started.spec.name);
    },
    usage: async (started) =>
      usageIn(
        await output(PROGRAM, ["stats", "--format", "json", "--no-stream", idOf(started)]).catch(
          () => "",
        ),
      ),
    async lastLines(name, maxLines) {
      const running = (await list()).find(({ labels }) => labels[LABELS.edge] === name);
      if (!running) return lastLines(files.logDirectory, name, maxLines);
      return linesOf(await logOf(running.id, maxLines));
    },
    async sweep(isKnown) {
      const unknown = (await list()).filter(({ labels }) => !isKnown(labels[LABELS.edge] ?? ""));
      for (const { id } of unknown) await output(PROGRAM, ["rm", "--force", id]);
      return unknown.map(({ id }) => id);
    },
    [Symbol.asyncDispose]: async () => stop.abort(),
  };
}

/** @param text "NAME=value" */
function entryOf(text: string): [string, string] {
  const at = text.indexOf("=");
  return [text.slice(0, at), text.slice(at + 1)];
}
