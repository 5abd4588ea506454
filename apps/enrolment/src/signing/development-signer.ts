/** A signer of an own authority, made at the first start: phones say "Not Verified" of what it signs. */
import { webcrypto } from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";

import { replaceFile } from "@glassline/segment-log/files";
import type { KeyPair } from "@glassline/service/certificate";
import { expiresMs } from "@glassline/service/certificate";
import { systemCodeOf } from "@glassline/service/errors";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const DAY_MS = 86_400_000;
const CA_LIFETIME_DAYS = 3_650;
const LIFETIME_DAYS = 397;
/** At a start, one that has less left is made anew. */
const RENEW_BEFORE_DAYS = 30;

/** The pair below the folder; it is made when there is none, or it has not enough time left. */
export async function ensureDevelopmentSigner(directory: string, nowMs: number): Promise<KeyPair> {
  const found = await readPair(directory);
  if (found && expiresMs(found) - nowMs > RENEW_BEFORE_DAYS * DAY_MS) return found;
  const made = await makePair(nowMs);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  // The key first: a pair of which one is missing is made anew.
  await replaceFile(join(directory, "signer.key"), made.key);
  await replaceFile(join(directory, "signer.pem"), made.cert);
  return made;
}

async function readPair(directory: string): Promise<KeyPair | undefined> {
  try {
    const [cert, key] = await Promise.all(
      ["signer.pem", "signer.key"].map((name) => readFile(join(directory, name), "utf8")),
    );
    return { cert: cert!, key: key! };
  } catch (error) {
    if (systemCodeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** The authority signs one certificate, and its key is forgotten. */
async function makePair(nowMs: number): Promise<KeyPair> {
  await import("reflect-metadata"); // needed by the next line
  const x509 = await import("@peculiar/x509");
  const generate = () => webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const [caKeys, keys] = [await generate(), await generate()];
  const notBefore = new Date(nowMs - DAY_MS);
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    name: "CN=Glassline development authority of profiles",
    notBefore,
    notAfter: new Date(nowMs + CA_LIFETIME_DAYS * DAY_MS),
    signingAlgorithm: ALGORITHM,
    keys: caKeys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
      await x509.SubjectKeyIdentifierExtension.create(caKeys.publicKey),
    ],
  });
  const certificate = await x509.X509CertificateGenerator.create({
    subject: "CN=Glassline development signer of profiles",
    issuer: ca.subject,
    notBefore,
    notAfter: new Date(nowMs + LIFETIME_DAYS * DAY_MS),
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey: caKeys.privateKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      await x509.AuthorityKeyIdentifierExtension.create(caKeys.publicKey),
    ],
  });
  const pkcs8 = await webcrypto.subtle.exportKey("pkcs8", keys.privateKey);
  return {
    cert: `${certificate.toString("pem")}\n${ca.toString("pem")}\n`,
    key: `${x509.PemConverter.encode(pkcs8, "PRIVATE KEY")}\n`,
  };
}
