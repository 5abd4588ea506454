/** Positions of exporters on this disk: a small file an exporter, which is replaced whole. */
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";

import { replaceFile } from "@glassline/segment-log/files";
import { OperatorError, systemCodeOf } from "@glassline/service/errors";

import type { Positions, PositionStore } from "./positions.ts";
import { formatPositions, parsePositions } from "./positions.ts";

/** The folder is made when the first one is written. */
export function positionFiles(directory: string): PositionStore {
  const pathOf = (exporter: string) => join(directory, `${encodeURIComponent(exporter)}.json`);
  return {
    read: (exporter) => readPositions(pathOf(exporter)),
    write: async (exporter, positions) => {
      await mkdir(directory, { recursive: true, mode: 0o700 });
      await replaceFile(pathOf(exporter), formatPositions(positions));
    },
  };
}

async function readPositions(path: string): Promise<Positions | undefined> {
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    if (systemCodeOf(error) === "ENOENT") return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  const positions = parsePositions(text);
  if (positions) return positions;
  const got = JSON.stringify(text.slice(0, 80));
  throw new OperatorError(
    `${path}: got ${got}, expected an exporter's position. Remove the file to begin at --export-from.`,
  );
}
