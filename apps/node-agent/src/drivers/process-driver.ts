/** Edges as child processes that outlive the agent. They are not limited, and not kept apart from the machine. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";

import { compiledIn } from "@glassline/bundle/bundled-program";
import { ContainerDriver } from "@glassline/proto/node";
import type { Clock } from "@glassline/service/clock";

import type { Driver } from "./driver.ts";
import type { EdgeFiles } from "./edge-files.ts";
import { lastLines, openLog } from "./edge-log.ts";
import { endProcess, findProcess, usageOf, watchProcess } from "./processes.ts";

export function processDriver({ files, clock }: { files: EdgeFiles; clock: Clock }): Driver {
  const stop = new AbortController();
  const compiled = compiledIn(resolve(files.dataDir, "compiled"));
  return {
    kind: ContainerDriver.PROCESS,
    refusal: async () => undefined,
    async start(spec, instanceId, ended) {
      const { words, environment } = await files.prepare(spec, instanceId);
      await using log = await openLog(files.logDirectory, spec.name);
      const child = spawn(process.execPath, [files.program, ...words], {
        // A session of its own and no channel to the agent: it goes on when the agent ends.
        detached: true,
        stdio: ["ignore", log.fd, log.fd],
        env: { ...compiled, ...process.env, ...environment },
      });
      await once(child, "spawn");
      child.once("exit", (code, signal) => ended(signal ?? `exit code ${code}`));
      child.unref();
      return { processId: child.pid!, containerId: "" };
    },
    async adopt({ instanceId, processId }, ended) {
      const found = await findProcess({ instanceId, processId });
      if (found === undefined) return undefined;
      void watchProcess({ instanceId, processId: found }, { clock, stop: stop.signal, ended });
      return { processId: found, containerId: "" };
    },
    stop: (started, patienceMs) => endProcess(started, patienceMs, clock),
    usage: ({ processId }) => usageOf(processId),
    lastLines: (name, maxLines) => lastLines(files.logDirectory, name, maxLines),
    sweep: async () => [],
    [Symbol.asyncDispose]: async () => stop.abort(),
  };
}
