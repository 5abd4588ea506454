/** The service's own secrets, each in a file that only its owner may read; made at the first start. */
import { createHash, createPublicKey, generateKeyPairSync, randomBytes } from "node:crypto";
import type { webcrypto } from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";

import { replaceFile } from "@glassline/segment-log/files";
import { OperatorError, messageOf, systemCodeOf } from "@glassline/service/errors";

import type { TokenKey } from "./token-key.ts";
import { tokenKeyOf } from "./token-key.ts";

const LINK_KEY_BYTES = 32;

/** A JWK (RFC 7517) with a name. */
export type NamedJwk = webcrypto.JsonWebKey & { kid: string };

/** By which tokens are signed. Rejects with OperatorError. */
export async function openTokenKey(directory: string): Promise<TokenKey> {
  const path = join(directory, "token-key.jwk");
  const text = await openSecret(path, () => `${JSON.stringify(newTokenJwk(), undefined, 2)}\n`);
  try {
    return tokenKeyOf(JSON.parse(text) as NamedJwk);
  } catch (error) {
    throw damaged(path, "a private JWK of P-256", error);
  }
}

/** From which the secrets of links follow. Rejects with OperatorError. */
export async function openLinkKey(directory: string): Promise<Buffer> {
  const path = join(directory, "link.key");
  const text = await openSecret(
    path,
    () => `${randomBytes(LINK_KEY_BYTES).toString("base64url")}\n`,
  );
  const key = Buffer.from(text.trim(), "base64url");
  if (key.length === LINK_KEY_BYTES) return key;
  throw damaged(path, `${LINK_KEY_BYTES} bytes in base64url`);
}

/** The text of a file, or of a new one. */
async function openSecret(path: string, make: () => string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (systemCodeOf(error) !== "ENOENT")
      throw new OperatorError(`${path}: cannot be read: ${messageOf(error)}`, { cause: error });
    await mkdir(join(path, ".."), { recursive: true, mode: 0o700 });
    const text = make();
    await replaceFile(path, text);
    return text;
  }
}

function damaged(path: string, expected: string, cause?: unknown): OperatorError {
  return new OperatorError(
    `${path}: expected ${expected}. Remove the file to have a new one made: what was signed or made with the old one counts no more.`,
    { cause },
  );
}

/** Named by its thumbprint (RFC 7638). */
function newTokenJwk(): NamedJwk {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const { crv, kty, x, y } = createPublicKey(privateKey).export({ format: "jwk" });
  const kid = createHash("sha256").update(JSON.stringify({ crv, kty, x, y })).digest("base64url");
  return { ...privateKey.export({ format: "jwk" }), kid };
}
