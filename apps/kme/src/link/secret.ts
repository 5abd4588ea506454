/** The secret that two key managers have before they have a link: it shows each that the other is who it says. */
import { randomBytes } from "node:crypto";
import { link, readFile, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { OperatorError, systemCodeOf } from "@glassline/service/errors";
import { isOwnPki } from "@glassline/service/pki-state";

const SECRET_BYTES = 32;

/** Reads it, or makes it where a development CA is. Fails with OperatorError. */
export async function linkSecret(
  folder: string,
  pkiDir: string,
  names: readonly [string, string],
): Promise<Uint8Array> {
  const path = join(folder, `${names.toSorted().join("+")}.secret`);
  const secret = (await read(path)) ?? ((await isOwnPki(pkiDir)) ? await made(path) : undefined);
  if (!secret)
    throw new OperatorError(
      `secret of the quantum link: got no ${path}, expected ${SECRET_BYTES} random bytes or more, the same at both ends`,
    );
  if (secret.length < SECRET_BYTES)
    throw new OperatorError(
      `${path}: got ${secret.length} bytes, expected ${SECRET_BYTES} random bytes or more`,
    );
  return secret;
}

async function read(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if (systemCodeOf(error) === "ENOENT") return undefined;
    throw new OperatorError(`${path}: cannot be read (${systemCodeOf(error)})`, { cause: error });
  }
}

/** Both ends may start at once: one of them makes it, whole. */
async function made(path: string): Promise<Uint8Array | undefined> {
  const own = `${path}.${process.pid}.${randomBytes(4).toString("hex")}`;
  await writeFile(own, randomBytes(SECRET_BYTES), { mode: 0o600 });
  await link(own, path).catch((error: unknown) => {
    if (systemCodeOf(error) !== "EEXIST") throw error;
  });
  await unlink(own);
  return read(path);
}
