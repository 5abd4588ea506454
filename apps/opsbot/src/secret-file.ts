/** Files with secrets: nobody but their owner may read or write them, and they are small. */
import { open, stat } from "node:fs/promises";

import { OperatorError, messageOf, systemCodeOf } from "@glassline/service/errors";

export const SECRET_MODE = 0o600;
const OTHERS = 0o077;

export interface SecretFile {
  flag: string;
  path: string;
  maxBytes: number;
}

/** Undefined: there is no such file. Rejects with OperatorError. */
export async function readSecretFile({
  flag,
  path,
  maxBytes,
}: SecretFile): Promise<string | undefined> {
  try {
    await using file = await open(path, "r");
    // Of what is open: a name may lead elsewhere a moment later.
    const { mode, size } = await file.stat();
    const problem = problemOf(mode, size, maxBytes);
    if (problem === undefined) return await file.readFile("utf8");
    throw new OperatorError(`${flag}: ${path}: ${problem}`);
  } catch (error) {
    if (systemCodeOf(error) === "ENOENT") return undefined;
    if (error instanceof OperatorError) throw error;
    throw new OperatorError(`${flag}: ${messageOf(error)}`, { cause: error });
  }
}

function problemOf(mode: number, size: number, maxBytes: number): string | undefined {
  if ((mode & OTHERS) !== 0)
    return `got mode ${octal(mode & 0o777)}, expected ${octal(SECRET_MODE)}: others may not read or write it (chmod 600)`;
  return size > maxBytes ? `got ${size} bytes, expected at most ${maxBytes}` : undefined;
}

const octal = (mode: number) => `0${mode.toString(8)}`;

/** Changes with each change of the file; undefined: there is none, or it cannot be looked at. */
export async function versionOf(path: string): Promise<string | undefined> {
  const found = await stat(path, { bigint: true }).catch(() => undefined);
  return found && [found.ino, found.ctimeNs, found.mtimeNs, found.size].join();
}
