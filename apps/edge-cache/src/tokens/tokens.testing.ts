/** Keys and tokens for tests, in a folder of their own. */
import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { NamedJwk } from "./signing.ts";
import { newKey, signed, signingKeyOf } from "./signing.ts";

export interface TestKeys extends AsyncDisposable {
  directory: string;
  /** The JWK Set that edges read. */
  path: string;
  /** Good for cam-0001 for a minute, unless `claims` say otherwise. */
  token(claims?: object, jwk?: NamedJwk): string;
  privateJwk: NamedJwk;
  /** Writes the set anew. */
  publish(...publicJwks: readonly object[]): Promise<void>;
}

export async function testKeys(): Promise<TestKeys> {
  const directory = await mkdtemp(join(tmpdir(), "glassline-tokens-"));
  const path = join(directory, "keys.json");
  const { privateJwk, publicJwk } = newKey();
  const publish = (...keys: readonly object[]) => writeFile(path, JSON.stringify({ keys }));
  await publish(publicJwk);
  return {
    directory,
    path,
    privateJwk,
    publish,
    token: (claims = {}, jwk = privateJwk) => {
      const nowS = Math.floor(Date.now() / 1_000);
      const all = { sub: "anna", channel: "cam-0001", iat: nowS, exp: nowS + 60, ...claims };
      return signed(signingKeyOf(jwk), all);
    },
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
}

/** A pair for ES256. */
export function p256Key(kid: string): { privateJwk: NamedJwk; publicJwk: NamedJwk } {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return {
    privateJwk: { ...privateKey.export({ format: "jwk" }), kid },
    publicJwk: { ...publicKey.export({ format: "jwk" }), kid },
  };
}
