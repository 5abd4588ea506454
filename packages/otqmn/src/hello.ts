/** A signed Hello: who opens a stream, proved by its certificate's key, whatever the connection in between. */
import { X509Certificate, createPrivateKey, sign, verify } from "node:crypto";

import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Hello, HelloSchema } from "@glassline/proto/otqmn";
import type { Identity, Role } from "@glassline/service/identity";
import { peerNameOf } from "@glassline/service/identity";

/** The name of the format of batches (FORMAT.md) among the capabilities of Hello and Welcome. */
export const CODEC = "stream/1";

export const INCARNATION_BYTES = 16;
/** Sequence numbers are safe integers, with room to count on. */
export const SEQ_MAX = BigInt(Number.MAX_SAFE_INTEGER) / 2n;
/** A Hello that is older or younger is refused, so that a recorded one is of no use for long. */
const CLOCK_TOLERANCE_MS = 300_000;
const PRODUCER_ROLES: ReadonlySet<Role> = new Set(["mesh-node", "camera"]);
const CONTEXT = "glassline otqmn hello v1";

export interface Opening {
  producer: string;
  /** 16 bytes. */
  incarnation: Uint8Array;
  firstUnackedSeq: bigint;
}

/** A Hello that is not accepted. The message says what, what was got, what was expected. */
export class HelloError extends Error {
  override readonly name = "HelloError";
}

export function signHello(
  opening: Opening,
  identity: Identity,
  nowUnixNano: bigint,
): MessageInitShape<typeof HelloSchema> {
  const unsigned = {
    ...opening,
    capabilities: [CODEC],
    signedAtUnixNano: nowUnixNano,
    certificate: new Uint8Array(new X509Certificate(identity.certificate).raw),
  };
  const key = { key: createPrivateKey(identity.privateKey), dsaEncoding: "ieee-p1363" } as const;
  return { ...unsigned, signature: new Uint8Array(sign("sha256", canonicalBytes(unsigned), key)) };
}

/** Throws HelloError unless the Hello is signed now by a producer of the network. @param ca PEM. */
export function verifyHello(hello: Hello, ca: string, nowMs: number): Opening {
  const { producer, incarnation, firstUnackedSeq } = hello;
  if (incarnation.length !== INCARNATION_BYTES) {
    throw new HelloError(
      `incarnation: got ${incarnation.length} bytes, expected ${INCARNATION_BYTES}`,
    );
  }
  if (firstUnackedSeq < 1n || firstUnackedSeq > SEQ_MAX) {
    throw new HelloError(`first_unacked_seq: got ${firstUnackedSeq}, expected 1 to ${SEQ_MAX}`);
  }
  if (!hello.capabilities.includes(CODEC)) {
    throw new HelloError(
      `capabilities: got ${hello.capabilities.join(", ") || "none"}, expected ${CODEC} among them`,
    );
  }
  const ageMs = nowMs - Number(hello.signedAtUnixNano / 1_000_000n);
  if (Math.abs(ageMs) > CLOCK_TOLERANCE_MS) {
    throw new HelloError(
      `signed_at: got ${ageMs} ms ago, expected at most ${CLOCK_TOLERANCE_MS} ms from now; check the clocks`,
    );
  }
  const certificate = verifyCertificate(hello.certificate, ca, nowMs);
  const peer = peerNameOf(certificate.subjectAltName);
  if (!peer || !PRODUCER_ROLES.has(peer.role) || peer.instance !== producer) {
    const shown = peer ? `${peer.role} ${peer.instance}` : "no name of this network";
    throw new HelloError(`certificate: got one of ${shown}, expected producer ${producer}`);
  }
  const key = { key: certificate.publicKey, dsaEncoding: "ieee-p1363" } as const;
  if (!verify("sha256", canonicalBytes(hello), key, hello.signature)) {
    throw new HelloError(
      "signature: got one that does not fit the message, expected the producer's own",
    );
  }
  return { producer, incarnation, firstUnackedSeq };
}

function verifyCertificate(der: Uint8Array, ca: string, nowMs: number): X509Certificate {
  const authority = new X509Certificate(ca);
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(der);
  } catch (error) {
    throw new HelloError(
      `certificate: got ${der.length} bytes that are not one, expected X.509 DER`,
      { cause: error },
    );
  }
  if (!certificate.checkIssued(authority) || !certificate.verify(authority.publicKey)) {
    throw new HelloError("certificate: got one of another CA, expected one of this network's");
  }
  if (nowMs < certificate.validFromDate.getTime() || nowMs > certificate.validToDate.getTime()) {
    throw new HelloError(
      `certificate: got one valid ${certificate.validFrom} to ${certificate.validTo}, expected one valid now`,
    );
  }
  return certificate;
}

type Signed = Opening & {
  capabilities: readonly string[];
  signedAtUnixNano: bigint;
  certificate: Uint8Array;
};

/** Every field with its length before it, so that no two Hellos have the same bytes. */
function canonicalBytes({
  producer,
  incarnation,
  firstUnackedSeq,
  capabilities,
  signedAtUnixNano,
  certificate,
}: Signed): Buffer {
  const fields = [
    CONTEXT,
    producer,
    incarnation,
    String(firstUnackedSeq),
    ...capabilities,
    String(signedAtUnixNano),
    certificate,
  ];
  return Buffer.concat(
    fields.flatMap((field) => {
      const bytes = Buffer.from(field as string);
      const length = Buffer.alloc(4);
      length.writeUInt32BE(bytes.length);
      return [length, bytes];
    }),
  );
}
