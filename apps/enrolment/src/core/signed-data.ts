/** CMS SignedData around a content, with the whole chain, by one signer. Pure: who signs is handed in. Source: RFC 5652. */
import {
  TAG,
  contextTag,
  element,
  elementsIn,
  headOf,
  integer,
  objectIdentifier,
  setOf,
  time,
} from "./der.ts";

/** Sources: RFC 5652 sections 4, 5 and 11, RFC 5754 section 2.2, RFC 5754 sections 3.2 and 3.3. */
const ID = {
  data: objectIdentifier("1.2.840.113549.1.7.1"),
  signedData: objectIdentifier("1.2.840.113549.1.7.2"),
  contentType: objectIdentifier("1.2.840.113549.1.9.3"),
  messageDigest: objectIdentifier("1.2.840.113549.1.9.4"),
  signingTime: objectIdentifier("1.2.840.113549.1.9.5"),
  sha256: objectIdentifier("2.16.840.1.101.3.4.2.1"),
  ecdsaWithSha256: objectIdentifier("1.2.840.10045.4.3.2"),
  rsaEncryption: objectIdentifier("1.2.840.113549.1.1.1"),
};
const NULL = Buffer.from([0x05, 0x00]);
const SHA256 = element(TAG.sequence, ID.sha256);

export type KeyKind = "ec" | "rsa";

const SIGNATURE_ALGORITHM: Readonly<Record<KeyKind, Buffer>> = {
  ec: element(TAG.sequence, ID.ecdsaWithSha256),
  rsa: element(TAG.sequence, ID.rsaEncryption, NULL),
};

const CONTENT_TYPE = element(TAG.sequence, ID.contentType, setOf([ID.data]));

/** What of a signature is the same each time. */
export interface Signer {
  /** Everything of SignedData behind the content: [0] certificates. */
  certificates: Buffer;
  /** Of SignerInfo, before the attributes. */
  before: Buffer;
  algorithm: Buffer;
}

/** @param chain DER of certificates, the signer's first. Throws RangeError when that is none. */
export function signerOf(chain: readonly Buffer[], kind: KeyKind): Signer {
  return {
    certificates: setOf(chain, contextTag(0)),
    before: Buffer.concat([integer(1), issuerAndSerial(chain[0]!), SHA256]),
    algorithm: SIGNATURE_ALGORITHM[kind],
  };
}

/** IssuerAndSerialNumber of a certificate. Source: RFC 5280 section 4.1. */
function issuerAndSerial(certificate: Buffer): Buffer {
  const [whole] = elementsIn(certificate);
  const [signed] = elementsIn(whole!.content);
  const fields = elementsIn(signed!.content);
  // [0] version, which certificates of version 1 have not.
  const [serial, , issuer] = fields[0]!.tag === contextTag(0) ? fields.slice(1) : fields;
  if (serial?.tag !== TAG.integer || issuer?.tag !== TAG.sequence)
    throw new RangeError("a certificate: got other fields, expected a serial number and an issuer");
  return element(TAG.sequence, issuer.whole, serial.whole);
}

export interface Signing {
  sha256(content: Uint8Array): Uint8Array;
  /** SHA-256 of it, signed; of elliptic curves as DER. */
  sign(bytes: Uint8Array): Uint8Array;
}

/** ContentInfo, DER. @param unixMs when it is signed. */
export function signedData(
  content: Uint8Array,
  { certificates, before, algorithm }: Signer,
  { sha256, sign }: Signing,
  unixMs: number,
): Buffer {
  const attributes = [
    CONTENT_TYPE,
    element(TAG.sequence, ID.signingTime, setOf([time(unixMs)])),
    element(TAG.sequence, ID.messageDigest, setOf([element(TAG.octetString, sha256(content))])),
  ];
  // Signed as a set, sent as [0] (section 5.4).
  const signature = sign(setOf(attributes));
  const signerInfo = element(
    TAG.sequence,
    before,
    setOf(attributes, contextTag(0)),
    algorithm,
    element(TAG.octetString, signature),
  );
  const tail = Buffer.concat([certificates, setOf([signerInfo])]);
  return around(content, tail);
}

/** The content is copied once. */
function around(content: Uint8Array, tail: Buffer): Buffer {
  const octets = headOf(TAG.octetString, content.length);
  const explicit = headOf(contextTag(0), octets.length + content.length);
  const inner = ID.data.length + explicit.length + octets.length + content.length;
  const encapsulated = headOf(TAG.sequence, inner);
  const front = Buffer.concat([integer(1), setOf([SHA256])]);
  const length = front.length + encapsulated.length + inner + tail.length;
  const data = headOf(TAG.sequence, length);
  const wrapped = headOf(contextTag(0), data.length + length);
  const all = ID.signedData.length + wrapped.length + data.length + length;
  return Buffer.concat([
    headOf(TAG.sequence, all),
    ID.signedData,
    wrapped,
    data,
    front,
    encapsulated,
    ID.data,
    explicit,
    octets,
    content,
    tail,
  ]);
}
