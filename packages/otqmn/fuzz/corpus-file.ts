/** Inputs that are kept: the batches of one stream, each with its length before it. The name tells the reader, what it must say to the last batch, and what is odd. */
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { ByteReader, ByteWriter } from "../src/bytes.ts";
import type { SubjectName } from "./subjects.ts";

export const CORPUS = fileURLToPath(new URL("../corpus", import.meta.url));
const ENDING = ".batches";

/** "any": one of both, and either is right. */
export type Expected = "refused" | "exact" | "any";

export interface Input {
  subject: SubjectName;
  expected: Expected;
  /** Words with dashes. */
  what: string;
  batches: readonly Uint8Array[];
}

export function nameOf({ subject, expected, what }: Input): string {
  return `${subject}.${expected}.${what}${ENDING}`;
}

export function inputsIn(folder: string): Input[] {
  const names = readdirSync(folder).filter((name) => name.endsWith(ENDING));
  return names.toSorted().map((name) => readInput(folder, name));
}

function readInput(folder: string, name: string): Input {
  const [subject, expected, what] = name.split(".") as [SubjectName, Expected, string];
  const reader = new ByteReader(readFileSync(join(folder, name)));
  const batches: Uint8Array[] = [];
  while (reader.remaining > 0) batches.push(reader.part("batch"));
  return { subject, expected, what, batches };
}

/** @returns the name of the file. */
export function writeInput(folder: string, input: Input): string {
  const writer = new ByteWriter();
  for (const batch of input.batches) writer.part(batch);
  const name = nameOf(input);
  writeFileSync(join(folder, name), writer.finish());
  return name;
}
