/** What a process says and signs with the key of its certificate, so that it holds whatever the connection in between. ECDSA, SHA-256. */
import { X509Certificate, createPrivateKey, sign, verify } from "node:crypto";

import type { Identity, PeerName } from "./identity.ts";
import { peerNameOf } from "./identity.ts";

export type Field = string | Uint8Array;

export interface Signature {
  /** DER. */
  certificate: Uint8Array;
  /** r and s, one after the other (IEEE P1363). */
  signature: Uint8Array;
}

/** What is not signed as it should be. The message says what, what was got, what was expected. */
export class SignatureError extends Error {
  override readonly name = "SignatureError";
}

/** @param context of which kind the statement is, and its version: what was signed for one is of no use for another. */
export function signFields(
  context: string,
  fields: readonly Field[],
  identity: Identity,
): Signature {
  const certificate = new Uint8Array(new X509Certificate(identity.certificate).raw);
  const key = { key: createPrivateKey(identity.privateKey), dsaEncoding: "ieee-p1363" } as const;
  const bytes = canonicalBytes([context, ...fields, certificate]);
  return { certificate, signature: new Uint8Array(sign("sha256", bytes, key)) };
}

/**
 * Throws SignatureError, or what `admit` throws, which is asked first: it gets the name in the certificate, undefined when that names nobody of
 * this network. @param ca PEM.
 */
export function verifyFields(
  context: string,
  fields: readonly Field[],
  { certificate: der, signature }: Signature,
  {
    ca,
    nowMs,
    admit,
  }: { ca: string; nowMs: number; admit: (signer: PeerName | undefined) => void },
): void {
  const certificate = verifyCertificate(der, ca, nowMs);
  admit(peerNameOf(certificate.subjectAltName));
  const key = { key: certificate.publicKey, dsaEncoding: "ieee-p1363" } as const;
  if (!verify("sha256", canonicalBytes([context, ...fields, der]), key, signature))
    throw new SignatureError(
      "signature: got one that does not fit the message, expected the signer's own",
    );
}

function verifyCertificate(der: Uint8Array, ca: string, nowMs: number): X509Certificate {
  const authority = new X509Certificate(ca);
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(der);
  } catch (error) {
    throw new SignatureError(
      `certificate: got ${der.length} bytes that are not one, expected X.509 DER`,
      { cause: error },
    );
  }
  if (!certificate.checkIssued(authority) || !certificate.verify(authority.publicKey))
    throw new SignatureError("certificate: got one of another CA, expected one of this network's");
  if (nowMs < certificate.validFromDate.getTime() || nowMs > certificate.validToDate.getTime())
    throw new SignatureError(
      `certificate: got one valid ${certificate.validFrom} to ${certificate.validTo}, expected one valid now`,
    );
  return certificate;
}

/** Every field with its length before it, so that no two statements have the same bytes. */
function canonicalBytes(fields: readonly Field[]): Buffer {
  return Buffer.concat(
    fields.flatMap((field) => {
      const bytes = Buffer.from(field as string);
      const length = Buffer.alloc(4);
      length.writeUInt32BE(bytes.length);
      return [length, bytes];
    }),
  );
}
