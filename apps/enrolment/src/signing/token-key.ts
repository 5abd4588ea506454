/** Viewers' tokens: made and read. JWT (RFC 7519), signed with ES256, as edges check them. */
import type { KeyObject } from "node:crypto";
import { createPrivateKey, createPublicKey, sign, verify } from "node:crypto";

import type { NamedJwk } from "./secret-files.ts";

const TOKEN_MAX_CHARS = 2_048;
/** RFC 7518 section 3.4: both numbers one after the other, no DER. */
const dsaEncoding = "ieee-p1363";

/** As edges read them. */
export interface TokenClaims {
  /** The device. */
  sub: string;
  /** What it may see: beginnings of paths. */
  channel: readonly string[];
  /** The channel: edges of others refuse it, also where they have the same paths. */
  deployed_channel: string;
  /** Unix seconds. */
  iat: number;
  exp: number;
  jti: string;
  aud?: string;
}

export interface TokenKey {
  sign(claims: TokenClaims): string;
  /** Undefined: it was not made by this key. Whether it still counts is another question. */
  read(token: string): TokenClaims | undefined;
  /** JWK Set with the public key. */
  keySet: string;
}

/** Throws an Error when it is no private key of P-256. */
export function tokenKeyOf(jwk: NamedJwk): TokenKey {
  if (jwk.crv !== "P-256" || jwk.d === undefined || typeof jwk.kid !== "string")
    throw new Error("got another JWK, expected a private one of P-256 with kid");
  const privateKey = createPrivateKey({ key: jwk, format: "jwk" });
  const publicKey = createPublicKey(privateKey);
  const head = encoded({ alg: "ES256", typ: "JWT", kid: jwk.kid });
  const publicJwk = {
    ...publicKey.export({ format: "jwk" }),
    kid: jwk.kid,
    use: "sig",
    alg: "ES256",
  };
  return {
    sign(claims) {
      const data = `${head}.${encoded(claims)}`;
      const signature = sign("sha256", Buffer.from(data), { key: privateKey, dsaEncoding });
      return `${data}.${signature.toString("base64url")}`;
    },
    read: (token) => claimsIn(token, head, publicKey),
    keySet: JSON.stringify({ keys: [publicJwk] }),
  };
}

function claimsIn(token: string, head: string, key: KeyObject): TokenClaims | undefined {
  if (token.length > TOKEN_MAX_CHARS || !token.startsWith(`${head}.`)) return undefined;
  const [, body = "", signature = "", ...more] = token.split(".");
  if (more.length > 0) return undefined;
  const data = Buffer.from(`${head}.${body}`);
  const isOurs = verify("sha256", data, { key, dsaEncoding }, Buffer.from(signature, "base64url"));
  // What this key has signed is in this form.
  return isOurs
    ? (JSON.parse(Buffer.from(body, "base64url").toString()) as TokenClaims)
    : undefined;
}

const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
