/** The public keys by which tokens are checked: a JWK Set (RFC 7517 section 5) in a file, read again when it changes. */
import type { KeyObject, webcrypto } from "node:crypto";
import { createPublicKey } from "node:crypto";
import { readFile, stat } from "node:fs/promises";

import type { Clock } from "@glassline/service/clock";
import { every } from "@glassline/service/clock";
import { messageOf } from "@glassline/service/errors";

import type { Algorithm } from "./algorithms.ts";
import { algorithmOf } from "./algorithms.ts";

const KEYS_MAX = 32;
const FILE_MAX_BYTES = 65_536;
const LOOK_INTERVAL_MS = 1_000;

export interface VerifyingKey {
  key: KeyObject;
  algorithm: Algorithm;
}

/** By `kid`. */
export type KeySet = ReadonlyMap<string, VerifyingKey>;

/** Reads a file. Rejects with an Error that says what was got and what was expected. */
export async function readKeySet(path: string): Promise<KeySet> {
  const { size } = await stat(path);
  if (size > FILE_MAX_BYTES)
    throw new Error(`${path}: got ${size} bytes, expected at most ${FILE_MAX_BYTES}`);
  return keySetOf(await readFile(path, "utf8"), path);
}

function keySetOf(text: string, path: string): KeySet {
  const { keys } = jsonIn(text, path);
  if (!Array.isArray(keys) || keys.length === 0 || keys.length > KEYS_MAX)
    throw new Error(`${path}: expected a JWK Set with "keys", 1 to ${KEYS_MAX} of them`);
  const set = new Map<string, VerifyingKey>();
  for (const [at, jwk] of keys.entries()) {
    const place = `${path}: keys[${at}]`;
    const { kid, ...key } = verifyingKeyOf(jwk, place);
    if (set.has(kid)) throw new Error(`${place}: got kid ${JSON.stringify(kid)} twice`);
    set.set(kid, key);
  }
  return set;
}

function jsonIn(text: string, path: string): { keys?: unknown } {
  try {
    return (JSON.parse(text) ?? {}) as { keys?: unknown };
  } catch (error) {
    throw new Error(`${path}: ${messageOf(error)}`, { cause: error });
  }
}

function verifyingKeyOf(value: unknown, place: string): VerifyingKey & { kid: string } {
  const jwk = (value ?? {}) as webcrypto.JsonWebKey & { kid?: unknown };
  if (typeof jwk.kid !== "string" || jwk.kid === "")
    throw new Error(`${place}: got no kid, expected a name for the key`);
  if (jwk.d !== undefined)
    throw new Error(`${place}: got a private key, expected the public one: an edge only checks`);
  const algorithm = algorithmOf(jwk);
  if (!algorithm)
    throw new Error(
      `${place}: got kty ${String(jwk.kty)} and crv ${String(jwk.crv)}, expected OKP and Ed25519, or EC and P-256`,
    );
  try {
    return { kid: jwk.kid, key: createPublicKey({ key: jwk, format: "jwk" }), algorithm };
  } catch (error) {
    throw new Error(`${place}: ${messageOf(error)}`, { cause: error });
  }
}

export interface KeyWatch {
  changed: (keys: KeySet) => void;
  /** What is there cannot be read: the keys from before go on counting. Told once a change. */
  failed: (reason: string) => void;
}

/** Reads a file, and looks at it once a second. Rejects as readKeySet does. */
export async function openKeySet(
  path: string,
  clock: Clock,
  { changed, failed }: KeyWatch,
): Promise<{ keys: KeySet } & Disposable> {
  const stop = new AbortController();
  // Before it is read: what is written meanwhile is seen as a change.
  let seen = await versionOf(path);
  const keys = await readKeySet(path);
  const look = async () => {
    const now = await versionOf(path);
    if (now === seen) return;
    seen = now;
    try {
      changed(await readKeySet(path));
    } catch (error) {
      failed(messageOf(error));
    }
  };
  void every(clock, LOOK_INTERVAL_MS, stop.signal, look);
  return { keys, [Symbol.dispose]: () => stop.abort() };
}

async function versionOf(path: string): Promise<string> {
  try {
    const { ino, mtimeMs, size } = await stat(path);
    return [ino, mtimeMs, size].join();
  } catch (error) {
    return messageOf(error);
  }
}
