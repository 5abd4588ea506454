/** A certificate for localhost in files, as an edge is given one. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { ephemeralPki } from "@glassline/service/pki";

export interface TestPair extends AsyncDisposable {
  /** Of the authority. */
  ca: string;
  /** Flags of an edge that shows it. */
  words: string[];
  /** Puts another certificate of the same authority there. */
  renew(): Promise<void>;
  /** Puts a text there that is none. */
  spoil(): Promise<void>;
}

export async function startPair(): Promise<TestPair> {
  const directory = await mkdtemp(join(tmpdir(), "glassline-tls-"));
  const [cert, key] = [join(directory, "cert.pem"), join(directory, "key.pem")];
  const issue = await ephemeralPki();
  const renew = async () => {
    const identity = await issue({ role: "edge-cache", instance: "edge-1" });
    await writeFile(key, identity.privateKey);
    await writeFile(cert, identity.certificate);
    return identity.ca;
  };
  return {
    ca: await renew(),
    words: [`--tls-cert=${cert}`, `--tls-key=${key}`],
    renew: async () => void (await renew()),
    spoil: () => writeFile(cert, "nothing"),
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
}
