/** The drivers that an agent has, as its settings say. */
import { createHash } from "node:crypto";
import { join, resolve } from "node:path";

import { BundledProgram } from "@glassline/bundle/bundled-program";
import type { Clock } from "@glassline/service/clock";
import type { Logger } from "@glassline/service/logger";

import { appleDriver } from "./apple-driver.ts";
import { dockerDriver } from "./docker-driver.ts";
import { Drivers } from "./drivers.ts";
import { EdgeFiles } from "./edge-files.ts";
import { processDriver } from "./process-driver.ts";
import { runcDriver } from "./runc-driver.ts";

const MARK_CHARS = 12;

export interface DriverSettings {
  edgeProgram: string;
  dataDir: string;
  pkiDir: string;
  logLevel: string;
  edgeDrain: number;
  edgeToken: string;
  dockerSocket: string;
  viewerPairPath: string;
}

export function startDrivers(
  settings: DriverSettings,
  { clock, logger }: { clock: Clock; logger: Logger },
) {
  const { edgeProgram, dataDir, pkiDir, logLevel, edgeDrain, edgeToken, dockerSocket } = settings;
  const files = new EdgeFiles({
    program: edgeProgram,
    dataDir,
    pkiDir,
    logLevel,
    drainMs: edgeDrain,
    adminToken: edgeToken,
    viewerPairPath: settings.viewerPairPath,
  });
  const program = new BundledProgram(join(files.dataDir, "program"), files.program);
  // By it the agent knows its own containers from those of others on the machine.
  const mark = createHash("sha256").update(resolve(dataDir)).digest("hex").slice(0, MARK_CHARS);
  const all = [
    processDriver({ files, clock }),
    runcDriver({ files, program, mark, clock }),
    dockerDriver({ files, program, mark, clock, socket: dockerSocket }),
    appleDriver({ files, mark, clock }),
  ];
  return { drivers: new Drivers(all, { clock, logger }), files };
}
