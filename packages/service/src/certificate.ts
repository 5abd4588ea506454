/** The certificate and the key that a server shows to the public, in two PEM files; looked at again while it runs. */
import { X509Certificate, createPrivateKey } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { createSecureContext } from "node:tls";

import type { Clock } from "./clock.ts";
import { every } from "./clock.ts";
import { OperatorError, messageOf, systemCodeOf } from "./errors.ts";
import type { Logger } from "./logger.ts";

const LOOK_INTERVAL_MS = 2_000;

/** Paths, with the flags that name them. */
export interface PairFiles {
  certificate: { flag: string; path: string };
  key: { flag: string; path: string };
}

/** PEM, as a TLS context takes it. */
export interface KeyPair {
  /** With those of intermediate authorities behind it. */
  cert: string;
  key: string;
}

/** A pair, and where it was read. */
export interface OpenedPair {
  files: PairFiles;
  pair: KeyPair;
}

/** The pair that flags name; undefined: none of them does. Rejects with OperatorError, also when only one does. */
export async function openKeyPair(
  certificate: PairFiles["certificate"],
  key: PairFiles["key"],
): Promise<OpenedPair | undefined> {
  if ((certificate.path === "") !== (key.path === ""))
    throw new OperatorError(
      `${certificate.flag} and ${key.flag}: got ${certificate.path === "" ? "the key" : "the certificate"} alone, expected both or none`,
    );
  const files = { certificate, key };
  return key.path === "" ? undefined : { files, pair: await readKeyPair(files) };
}

/** Rejects with OperatorError: a file that cannot be read, that is not what it should be, or two that do not belong together. */
export async function readKeyPair({ certificate, key }: PairFiles): Promise<KeyPair> {
  const pair = { cert: await read(certificate), key: await read(key) };
  const shown = parsed(certificate, "a certificate in PEM", () => new X509Certificate(pair.cert));
  const own = parsed(key, "a private key in PEM, without a pass phrase", () =>
    createPrivateKey(pair.key),
  );
  if (!shown.checkPrivateKey(own))
    throw new OperatorError(
      `${key.flag}: got ${key.path}, expected the key of ${certificate.path}: they do not belong together`,
    );
  parsed(certificate, "a chain that TLS takes", () => createSecureContext(pair));
  return pair;
}

async function read({ flag, path }: PairFiles["key"]): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    const code = systemCodeOf(error);
    const why =
      code === "ENOENT"
        ? "there is no such file"
        : code === "EACCES"
          ? "this user may not read it"
          : messageOf(error);
    throw new OperatorError(`${flag}: got ${path}, expected a file in PEM: ${why}`, {
      cause: error,
    });
  }
}

function parsed<T>({ flag, path }: PairFiles["key"], expected: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw new OperatorError(`${flag}: got ${path}, expected ${expected}: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/** Until when it counts, Unix milliseconds. */
export const expiresMs = ({ cert }: KeyPair): number =>
  Date.parse(new X509Certificate(cert).validTo);

export interface PairWatch extends Disposable {
  /** Reads the files now, whether or not they have changed. */
  reload(): Promise<void>;
}

/**
 * Looks every 2 s whether one of the files is another one; SIGHUP makes it look at once.
 * @param changed told of each good pair. A bad one is logged, once.
 */
export function watchKeyPair(
  files: PairFiles,
  { clock, logger, changed }: { clock: Clock; logger: Logger; changed: (pair: KeyPair) => void },
): PairWatch {
  const stop = new AbortController();
  let known = "";
  let isSettled = true;
  const reload = async () => {
    try {
      const pair = await readKeyPair(files);
      changed(pair);
      logger.info({ expires: new Date(expiresMs(pair)).toISOString() }, "a new certificate");
    } catch (error) {
      logger.error({ reason: messageOf(error) }, "the certificate stays: the new one is no good");
    }
  };
  const look = async () => {
    const now = await stateOf(files);
    if (now !== known) {
      // The other file may be about to follow, or the rest of this one.
      isSettled = known === "";
      known = now;
    } else if (!isSettled) {
      isSettled = true;
      await reload();
    }
  };
  const onSignal = () => void reload();
  process.on("SIGHUP", onSignal);
  void look();
  void every(clock, LOOK_INTERVAL_MS, stop.signal, look);
  return {
    reload,
    [Symbol.dispose]: () => {
      stop.abort();
      process.off("SIGHUP", onSignal);
    },
  };
}

/** Differs when a file has been written or replaced. */
async function stateOf({ certificate, key }: PairFiles): Promise<string> {
  const states = [certificate, key].map(async ({ path }) => {
    const found = await stat(path).catch(() => undefined);
    return found ? `${found.ino} ${found.mtimeMs} ${found.size}` : "none";
  });
  return (await Promise.all(states)).join();
}
