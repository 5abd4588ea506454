/** Edges that outlived their agent, for whoever must know which ports are theirs before the agent takes them over. */
import { existsSync } from "node:fs";

import type { EdgeSpec } from "@glassline/proto/node";

import { findProcess } from "./drivers/processes.ts";
import { openStateStore, stateFileOf } from "./stores/state-store.ts";

/** @param dataDir of an agent that does not run. @returns what its edges that still run were started as. */
export async function survivors(dataDir: string): Promise<EdgeSpec[]> {
  if (!existsSync(stateFileOf(dataDir))) return [];
  using store = openStateStore(dataDir);
  const found = await Promise.all(
    store.started().map(async (started) => ((await findProcess(started)) ? [started.spec] : [])),
  );
  return found.flat();
}
