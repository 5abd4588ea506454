/** The certificate and the key that edges show to viewers: checked, and copied to where edges read them. */
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

import type { KeyPair } from "@glassline/service/certificate";
import { openKeyPair, watchKeyPair } from "@glassline/service/certificate";
import type { Clock } from "@glassline/service/clock";
import type { Logger } from "@glassline/service/logger";

export interface ViewerPairSettings {
  viewerCert: string;
  viewerKey: string;
  /** Of the agent. */
  dataDir: string;
}

/**
 * Copies each new pair into a folder of its own: in a container that is bound to it, what replaces a file in it is seen.
 * Rejects with OperatorError.
 * @returns the file; empty: edges cannot serve viewers by TLS.
 */
export async function keepViewerPair(
  { viewerCert, viewerKey, dataDir }: ViewerPairSettings,
  deps: { clock: Clock; logger: Logger },
  stack: AsyncDisposableStack,
): Promise<string> {
  const opened = await openKeyPair(
    { flag: "--viewer-cert", path: viewerCert },
    { flag: "--viewer-key", path: viewerKey },
  );
  if (!opened) return "";
  const path = join(resolve(dataDir), "viewers", "pair.pem");
  write(path, opened.pair);
  stack.use(watchKeyPair(opened.files, { ...deps, changed: (pair) => write(path, pair) }));
  return path;
}

/** Both in one file: nobody reads the certificate of one pair and the key of another. */
function write(path: string, { cert, key }: KeyPair): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileSync(`${path}.new`, `${cert}\n${key}`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}
