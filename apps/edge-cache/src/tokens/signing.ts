/** Makes keys and tokens: for operators and tests, in the form that edges check. */
import type { KeyObject, webcrypto } from "node:crypto";
import { createHash, createPrivateKey, generateKeyPairSync } from "node:crypto";

import type { Algorithm } from "./algorithms.ts";
import { algorithmOf } from "./algorithms.ts";

/** A JWK (RFC 7517) with a name. */
export type NamedJwk = webcrypto.JsonWebKey & { kid: string };

export interface SigningKey {
  kid: string;
  key: KeyObject;
  algorithm: Algorithm;
}

/** Ed25519, named by its thumbprint (RFC 7638). */
export function newKey(): { privateJwk: NamedJwk; publicJwk: NamedJwk } {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const jwk = publicKey.export({ format: "jwk" });
  const { crv, kty, x } = jwk;
  const kid = createHash("sha256").update(JSON.stringify({ crv, kty, x })).digest("base64url");
  return {
    privateJwk: { ...privateKey.export({ format: "jwk" }), kid },
    publicJwk: { ...jwk, kid, use: "sig" } as NamedJwk,
  };
}

/** Throws an Error when it is no private key of ours. */
export function signingKeyOf(jwk: NamedJwk): SigningKey {
  const algorithm = algorithmOf(jwk);
  if (!algorithm || typeof jwk.kid !== "string" || jwk.d === undefined)
    throw new Error("expected a private JWK with kid, of Ed25519 or P-256");
  return { kid: jwk.kid, key: createPrivateKey({ key: jwk, format: "jwk" }), algorithm };
}

/** A JWS in the compact form. */
export function signed({ kid, key, algorithm }: SigningKey, claims: object): string {
  const head = encoded({ alg: algorithm.name, typ: "JWT", kid });
  const data = `${head}.${encoded(claims)}`;
  return `${data}.${algorithm.sign(Buffer.from(data), key).toString("base64url")}`;
}

const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
