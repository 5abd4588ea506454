/** The option that reads a file in the notation of the OpenTelemetry Collector. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";

import type { Option } from "@glassline/config";
import { FileProblems } from "@glassline/config/settings-file";

import type { CollectorFile } from "./collector-file.ts";
import { parseCollectorFile } from "./collector-file.ts";

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
      const result = parseCollectorFile(read(path), path, { environment, readFile: read });
      if ("problems" in result) throw new FileProblems(result.problems);
      return result;
    },
  };
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
