/** Channels that are described in a folder, and may be deployed by the names of their files. */
import { readdirSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";

import type { Clock } from "@glassline/service/clock";
import { OperatorError, messageOf } from "@glassline/service/errors";

/** Between two looks at what files there are. */
const LOOK_INTERVAL_MS = 2_000;
const FILES_MAX = 10_000;
const FILE_MAX_BYTES = 65_536;
const NAME = /^([a-z][a-z0-9-]{0,30})\.ya?ml$/;

export interface Descriptions {
  names(): readonly string[];
  /** @returns the text. Rejects with OperatorError. */
  read(name: string): Promise<string>;
}

/** @param directory empty: none. Throws OperatorError when it is none. */
export function descriptionsIn(directory: string, clock: Pick<Clock, "monotonicMs">): Descriptions {
  const files = new Map<string, string>();
  let lookedMs = Number.NEGATIVE_INFINITY;
  const look = () => {
    if (directory === "" || clock.monotonicMs() - lookedMs < LOOK_INTERVAL_MS) return;
    lookedMs = clock.monotonicMs();
    files.clear();
    for (const file of readdirSync(directory).toSorted().slice(0, FILES_MAX)) {
      const name = NAME.exec(file)?.[1];
      if (name !== undefined) files.set(name, join(directory, file));
    }
  };
  try {
    look();
  } catch (error) {
    throw new OperatorError(
      `--channels: got ${directory}, expected a folder: ${messageOf(error)}`,
      {
        cause: error,
      },
    );
  }
  return {
    names: () => {
      try {
        look();
      } catch {
        // It is away for now: what was there is still told.
      }
      return [...files.keys()];
    },
    read: async (name) => {
      const file = files.get(name);
      if (file === undefined)
        throw new OperatorError(`no channel ${name} is described in ${directory}`);
      const { size } = statSync(file);
      if (size > FILE_MAX_BYTES)
        throw new OperatorError(`${file}: got ${size} bytes, expected at most ${FILE_MAX_BYTES}`);
      return readFile(file, "utf8");
    },
  };
}
