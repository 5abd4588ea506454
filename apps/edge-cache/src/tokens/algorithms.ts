/** Signatures of tokens: which algorithm a key is for. Source: RFC 8037 section 3.1, RFC 7518 section 3.4, RFC 9864. */
import type { KeyObject, webcrypto } from "node:crypto";
import { sign, verify } from "node:crypto";

export interface Algorithm {
  /** As it is written into tokens. */
  name: string;
  /** All names that tokens may say. */
  names: readonly string[];
  sign(data: Buffer, key: KeyObject): Buffer;
  verify(data: Buffer, key: KeyObject, signature: Buffer): boolean;
}

const EDDSA: Algorithm = {
  name: "EdDSA",
  names: ["EdDSA", "Ed25519"],
  sign: (data, key) => sign(null, data, key),
  verify: (data, key, signature) => verify(null, data, key, signature),
};

/** RFC 7518 section 3.4: both numbers one after the other, no DER. */
const dsaEncoding = "ieee-p1363";

const ES256: Algorithm = {
  name: "ES256",
  names: ["ES256"],
  sign: (data, key) => sign("sha256", data, { key, dsaEncoding }),
  verify: (data, key, signature) => verify("sha256", data, { key, dsaEncoding }, signature),
};

/** The key says which algorithm it is for, not the token (RFC 8725 section 3.1). Undefined: none of ours. */
export function algorithmOf({ kty, crv }: webcrypto.JsonWebKey): Algorithm | undefined {
  if (kty === "OKP" && crv === "Ed25519") return EDDSA;
  return kty === "EC" && crv === "P-256" ? ES256 : undefined;
}
