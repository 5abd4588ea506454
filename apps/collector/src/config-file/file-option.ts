/** The option that reads a file in the notation of the OpenTelemetry Collector. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { totalmem } from "node:os";
import { resolve } from "node:path";

import type { Option } from "@glassline/config";
import { FileProblems } from "@glassline/config/settings-file";

import type * as collectorFileModule from "./collector-file.ts";
import type { CollectorFile } from "./collector-file.ts";

/** Loaded where there is a file: it brings a parser of YAML. Settings are read at once, so it cannot be imported later. */
const parser = () =>
  createRequire(import.meta.url)("./collector-file.ts") as typeof collectorFileModule;

export function collectorFile({ help }: { help: string }): Option<CollectorFile | undefined> {
  return {
    help,
    placeholder: "FILE",
    defaultText: undefined,
    repeatable: false,
    parse: (texts, directory, environment = {}) => {
      const path = texts.at(-1);
      if (path === undefined) return undefined;
      const read = (name: string) => contentOf(resolve(directory, name));
      const result = parser().parseCollectorFile(read(path), path, {
        environment,
        readFile: read,
        memoryBytes: memoryBytes(),
      });
      if ("problems" in result) throw new FileProblems(result.problems);
      return result;
    },
  };
}

/** A container may have less than its machine; 0 or a larger number: it has all. */
function memoryBytes(): number {
  return Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY);
}

function contentOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new Error(`expected a file that can be read: ${(error as Error).message}`, {
      cause: error,
    });
  }
}
