/** How far a target has acknowledged the log, durably: a small file that is replaced whole. */
import { readFile } from "node:fs/promises";

import { replaceFile } from "@glassline/segment-log/files";
import { OperatorError, systemCodeOf } from "@glassline/service/errors";

import type { SignalName } from "../core/otlp-items.ts";
import { SIGNAL_NAMES } from "../core/otlp-items.ts";

/** By signal: index of the last record of the log that needs not be sent any more. */
export type Positions = Record<SignalName, number>;

/** Undefined when there is none yet. Fails with OperatorError when it cannot be read. */
export async function readPositions(path: string): Promise<Positions | undefined> {
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    if (systemCodeOf(error) === "ENOENT") return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  const positions = parse(text);
  if (positions) return positions;
  const got = JSON.stringify(text.slice(0, 80));
  throw new OperatorError(
    `${path}: got ${got}, expected an exporter's position. Remove the file to begin at --export-from.`,
  );
}

function parse(text: string): Positions | undefined {
  try {
    const value = JSON.parse(text) as Partial<Positions>;
    const isWhole = SIGNAL_NAMES.every((name) => Number.isSafeInteger(value[name]));
    return isWhole ? (value as Positions) : undefined;
  } catch {
    return undefined;
  }
}

/** Written, synced and renamed. Two calls must not overlap. */
export const writePositions = (path: string, positions: Positions): Promise<void> =>
  replaceFile(path, `${JSON.stringify(positions)}\n`);
