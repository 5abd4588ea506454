/** The agent's own key of WireGuard: made once, in its data folder, readable by nobody else. */
import { createPrivateKey, createPublicKey, generateKeyPairSync } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface WireGuardKey {
  /** Base64; told to nobody. */
  privateKey: string;
  /** Base64. */
  publicKey: string;
}

const OWNER_ONLY = 0o600;
/** Of PKCS #8 with an X25519 key of 32 bytes behind it. RFC 8410 section 7. */
const PKCS8 = Buffer.from("302e020100300506032b656e04220420", "hex");
const KEY_BYTES = 32;

/** Throws when it cannot be read or written. */
export function wireGuardKey(directory: string): WireGuardKey {
  const file = join(directory, "wireguard.key");
  if (!existsSync(file)) write(file, directory);
  const key = Buffer.from(readFileSync(file, "utf8").trim(), "base64");
  if (key.length !== KEY_BYTES)
    throw new Error(`${file}: got ${key.length} bytes, expected ${KEY_BYTES}`);
  const pair = createPrivateKey({
    key: Buffer.concat([PKCS8, key]),
    format: "der",
    type: "pkcs8",
  });
  const publicKey = Buffer.from(createPublicKey(pair).export({ format: "jwk" }).x!, "base64url");
  return { privateKey: key.toString("base64"), publicKey: publicKey.toString("base64") };
}

function write(file: string, directory: string): void {
  const { privateKey } = generateKeyPairSync("x25519");
  const key = Buffer.from(privateKey.export({ format: "jwk" }).d!, "base64url");
  mkdirSync(directory, { recursive: true });
  writeFileSync(`${file}.new`, `${key.toString("base64")}\n`, { mode: OWNER_ONLY });
  renameSync(`${file}.new`, file);
}
