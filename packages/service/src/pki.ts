/** A development CA: made on first start, P-256, kept below the data folder. Not for production. */
import { webcrypto } from "node:crypto";
import { chmod, mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";

import "reflect-metadata"; // needed by the next line
import * as x509 from "@peculiar/x509";

import { systemCodeOf } from "./errors.ts";
import type { Identity, PeerName } from "./identity.ts";
import { identityFiles, spiffeId } from "./identity.ts";
import { isFresh } from "./pki-state.ts";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const DAY_MS = 86_400_000;
const CA_LIFETIME_DAYS = 3_650;
const CERTIFICATE_LIFETIME_DAYS = 90;

interface Authority {
  certificate: x509.X509Certificate;
  keys: webcrypto.CryptoKeyPair;
}

/**
 * Makes sure that the folder holds a CA and a fresh certificate for each name; what is there and fresh is kept.
 * Files with keys are readable by the owner only.
 */
export async function ensureDevelopmentPki(
  directory: string,
  names: readonly PeerName[],
): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const authority = await ensureAuthority(directory);
  await Promise.all(names.map((name) => ensureCertificate(directory, authority, name)));
}

/** An identity of a CA that lives in memory only; for tests and the flow demonstration. */
export async function ephemeralPki(): Promise<(name: PeerName) => Promise<Identity>> {
  const authority = await makeAuthority();
  return async (name) => ({
    ...name,
    ca: authority.certificate.toString("pem"),
    ...(await issue(authority, name)),
  });
}

async function ensureAuthority(directory: string): Promise<Authority> {
  const paths = { certificate: join(directory, "ca.pem"), privateKey: join(directory, "ca.key") };
  const found = await readPair(paths);
  if (found) return importAuthority(found);
  const authority = await makeAuthority();
  await writePair(paths, {
    certificate: authority.certificate.toString("pem"),
    privateKey: await exportKey(authority.keys.privateKey),
  });
  return authority;
}

async function makeAuthority(): Promise<Authority> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: "CN=Glassline development CA",
    notBefore: new Date(Date.now() - DAY_MS),
    notAfter: new Date(Date.now() + CA_LIFETIME_DAYS * DAY_MS),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(
        x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign,
        true,
      ),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate, keys };
}

async function importAuthority({ certificate, privateKey }: Pair): Promise<Authority> {
  const parsed = new x509.X509Certificate(certificate);
  const der = x509.PemConverter.decodeFirst(privateKey);
  return {
    certificate: parsed,
    keys: {
      privateKey: await webcrypto.subtle.importKey("pkcs8", der, ALGORITHM, true, ["sign"]),
      publicKey: await parsed.publicKey.export(),
    },
  };
}

async function ensureCertificate(
  directory: string,
  authority: Authority,
  name: PeerName,
): Promise<void> {
  const paths = identityFiles(directory, name);
  const found = await readPair(paths);
  if (found && isFresh(found.certificate, authority.certificate.toString("pem"))) return;
  await writePair(paths, await issue(authority, name));
}

async function issue(authority: Authority, name: PeerName): Promise<Pair> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const certificate = await x509.X509CertificateGenerator.create({
    subject: `CN=${name.role} ${name.instance}`,
    issuer: authority.certificate.subject,
    notBefore: new Date(Date.now() - DAY_MS),
    notAfter: new Date(Date.now() + CERTIFICATE_LIFETIME_DAYS * DAY_MS),
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey: authority.keys.privateKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([
        x509.ExtendedKeyUsage.serverAuth,
        x509.ExtendedKeyUsage.clientAuth,
      ]),
      new x509.SubjectAlternativeNameExtension([
        { type: "url", value: spiffeId(name) },
        { type: "dns", value: "localhost" },
        { type: "ip", value: "127.0.0.1" },
      ]),
      await x509.AuthorityKeyIdentifierExtension.create(authority.keys.publicKey),
    ],
  });
  return { certificate: certificate.toString("pem"), privateKey: await exportKey(keys.privateKey) };
}

interface Pair {
  certificate: string;
  privateKey: string;
}

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  return x509.PemConverter.encode(await webcrypto.subtle.exportKey("pkcs8", key), "PRIVATE KEY");
}

async function readPair(paths: Pair): Promise<Pair | undefined> {
  try {
    return {
      certificate: await readFile(paths.certificate, "utf8"),
      privateKey: await readFile(paths.privateKey, "utf8"),
    };
  } catch (error) {
    if (systemCodeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** The key goes first and each file by a rename: a pair that is cut off half-way is made anew at the next start. */
async function writePair(paths: Pair, pair: Pair): Promise<void> {
  await writeWhole(paths.privateKey, pair.privateKey, 0o600);
  await writeWhole(paths.certificate, pair.certificate, 0o644);
}

async function writeWhole(path: string, content: string, mode: number): Promise<void> {
  const temporary = `${path}.${process.pid}`;
  await writeFile(temporary, content, { mode });
  await chmod(temporary, mode);
  await rename(temporary, path);
}
