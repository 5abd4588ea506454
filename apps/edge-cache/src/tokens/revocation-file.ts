/** Revocations over a restart: a file with a line of JSON for each, which is synced before it counts as done. */
import { open, readFile, rename } from "node:fs/promises";

import { OperatorError, messageOf, systemCodeOf } from "@glassline/service/errors";

import type { Revocation } from "../core/revocations.ts";
import { Revocations } from "../core/revocations.ts";

const SECRET_MODE = 0o600;

/** Where revocations outlive the process: a port. */
export interface RevocationLog extends AsyncDisposable {
  /** Resolves when it will be there after a crash. */
  append(revocation: Revocation): Promise<void>;
}

/** Those that live as long as the process. */
export const noLog: RevocationLog = {
  append: async () => {},
  [Symbol.asyncDispose]: async () => {},
};

/** Reads what is there, and writes it anew without those that nobody needs any more. Throws OperatorError. */
export async function openRevocations(
  path: string,
  nowS: number,
): Promise<{ revocations: Revocations; log: RevocationLog }> {
  const revocations = new Revocations(await read(path));
  revocations.forget(nowS);
  const temporary = `${path}.new`;
  const file = await open(temporary, "w", SECRET_MODE).catch((error: unknown) => {
    throw new OperatorError(`--revocations: ${messageOf(error)}`, { cause: error });
  });
  await file.appendFile(revocations.all().map(lineOf).join(""));
  await file.datasync();
  await rename(temporary, path);
  const log = {
    append: async (revocation: Revocation) => {
      await file.appendFile(lineOf(revocation));
      await file.datasync();
    },
    [Symbol.asyncDispose]: () => file.close(),
  };
  return { revocations, log };
}

const lineOf = (revocation: Revocation) => `${JSON.stringify(revocation)}\n`;

async function read(path: string): Promise<Revocation[]> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (systemCodeOf(error) === "ENOENT") return [];
    throw new OperatorError(`--revocations: ${messageOf(error)}`, { cause: error });
  }
  // Behind the last line end stands what a crash left of a line that was never confirmed.
  const lines = text.split("\n").slice(0, -1);
  return lines.map((line, at) => {
    const revocation = revocationIn(line);
    if (revocation) return revocation;
    throw new OperatorError(
      `--revocations: ${path}:${at + 1}: got ${JSON.stringify(line.slice(0, 80))}, expected a revocation`,
    );
  });
}

function revocationIn(line: string): Revocation | undefined {
  try {
    const { tokenId, untilS, client, everyone, issuedUntilS } = JSON.parse(line) as Record<
      string,
      unknown
    >;
    if (typeof tokenId === "string" && typeof untilS === "number") return { tokenId, untilS };
    if (typeof issuedUntilS !== "number") return undefined;
    if (typeof client === "string") return { client, issuedUntilS };
    return everyone === true ? { everyone, issuedUntilS } : undefined;
  } catch {
    return undefined;
  }
}
