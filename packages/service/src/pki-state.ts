/** What a folder of certificates holds already, without the tools that make them: those take longer to load than all the rest. */
import { X509Certificate } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";

import type { PeerName } from "./identity.ts";
import { identityFiles } from "./identity.ts";

const DAY_MS = 86_400_000;
/** A certificate is made anew at start when it has less left. */
const RENEW_BEFORE_DAYS = 30;

/** Whether certificates may be made in a folder: it has no CA, or one with its key. */
export async function isOwnPki(directory: string): Promise<boolean> {
  return (await has(directory, "ca.key")) || !(await has(directory, "ca.pem"));
}

async function has(directory: string, name: string): Promise<boolean> {
  return (await stat(join(directory, name)).catch(() => undefined)) !== undefined;
}

/** Whether nothing has to be made: the folder's CA is there, and a fresh certificate of it with its key. */
export async function hasFreshIdentity(directory: string, name: PeerName): Promise<boolean> {
  const { certificate, privateKey } = identityFiles(directory, name);
  try {
    const paths = [certificate, join(directory, "ca.pem"), privateKey, join(directory, "ca.key")];
    const [own, ca] = await Promise.all(paths.map((path) => readFile(path, "utf8")));
    return isFresh(own!, ca!);
  } catch {
    // Whoever makes it says what is wrong.
    return false;
  }
}

/** Whether a certificate is of a CA, and has enough time left; both are PEM. Throws for what is no certificate. */
export function isFresh(certificate: string, ca: string): boolean {
  const parsed = new X509Certificate(certificate);
  const enoughLeft = Date.parse(parsed.validTo) - Date.now() > RENEW_BEFORE_DAYS * DAY_MS;
  return enoughLeft && parsed.verify(new X509Certificate(ca).publicKey);
}
