/**
 * X-Wing: a key encapsulation that is safe as long as X25519 or ML-KEM-768 is. Both are node:crypto's.
 * Source: draft-connolly-cfrg-xwing-kem-06, section 5.
 */
import type { KeyObject } from "node:crypto";
import {
  createPrivateKey,
  createPublicKey,
  decapsulate as open,
  diffieHellman,
  encapsulate as enclose,
  generateKeyPairSync,
  hash,
} from "node:crypto";
import { createHash, randomBytes } from "node:crypto";

export const SEED_BYTES = 32;
const ML_KEM = "ml-kem-768";
const ML_KEM_SEED_BYTES = 64;
const ML_KEM_PUBLIC_BYTES = 1_184;
const ML_KEM_CIPHERTEXT_BYTES = 1_088;
const X25519_BYTES = 32;
export const PUBLIC_KEY_BYTES = ML_KEM_PUBLIC_BYTES + X25519_BYTES;
export const CIPHERTEXT_BYTES = ML_KEM_CIPHERTEXT_BYTES + X25519_BYTES;
export const SECRET_BYTES = 32;
const LABEL = Buffer.from("\\.//^\\");

export interface PrivateKey {
  /** PUBLIC_KEY_BYTES, for who wants to encapsulate to it. */
  publicKey: Uint8Array;
  mlKem: KeyObject;
  x25519: KeyObject;
}

export interface Encapsulated {
  ciphertext: Uint8Array;
  /** SECRET_BYTES. */
  secret: Uint8Array;
}

/** @param seed SEED_BYTES that nobody else knows; the same seed makes the same key. */
export function privateKeyOf(seed: Uint8Array = randomBytes(SEED_BYTES)): PrivateKey {
  if (seed.length !== SEED_BYTES)
    throw new RangeError(`seed: got ${seed.length} bytes, expected ${SEED_BYTES}`);
  const outputLength = ML_KEM_SEED_BYTES + X25519_BYTES;
  const expanded = createHash("shake256", { outputLength }).update(seed).digest();
  const mlKem = privateOf(ML_KEM, "raw-seed", expanded.subarray(0, ML_KEM_SEED_BYTES));
  const x25519 = privateOf("x25519", "raw-private", expanded.subarray(ML_KEM_SEED_BYTES));
  const publicKey = Buffer.concat([mlKem, x25519].map((key) => rawOf(createPublicKey(key))));
  return { publicKey, mlKem, x25519 };
}

/** A new secret for whoever has the private key. Throws RangeError for what is no public key. */
export function encapsulate(publicKey: Uint8Array): Encapsulated {
  if (publicKey.length !== PUBLIC_KEY_BYTES)
    throw new RangeError(`public key: got ${publicKey.length} bytes, expected ${PUBLIC_KEY_BYTES}`);
  const theirs = publicKey.subarray(ML_KEM_PUBLIC_BYTES);
  const { ciphertext, sharedKey } = enclose(
    publicOf(ML_KEM, publicKey.subarray(0, ML_KEM_PUBLIC_BYTES)),
  );
  const own = generateKeyPairSync("x25519");
  const shared = agreed(own.privateKey, theirs);
  const ours = rawOf(own.publicKey);
  return {
    ciphertext: Buffer.concat([ciphertext, ours]),
    secret: combined(sharedKey, shared, ours, theirs),
  };
}

/** Throws RangeError for what is no ciphertext. One that was made for another key gives a secret that nobody has. */
export function decapsulate(
  { publicKey, mlKem, x25519 }: PrivateKey,
  ciphertext: Uint8Array,
): Uint8Array {
  if (ciphertext.length !== CIPHERTEXT_BYTES)
    throw new RangeError(
      `ciphertext: got ${ciphertext.length} bytes, expected ${CIPHERTEXT_BYTES}`,
    );
  const theirs = ciphertext.subarray(ML_KEM_CIPHERTEXT_BYTES);
  const opened = open(mlKem, ciphertext.subarray(0, ML_KEM_CIPHERTEXT_BYTES));
  return combined(opened, agreed(x25519, theirs), theirs, publicKey.subarray(ML_KEM_PUBLIC_BYTES));
}

/** Section 5.3. */
function combined(...parts: readonly [Uint8Array, Uint8Array, Uint8Array, Uint8Array]): Uint8Array {
  return hash("sha3-256", Buffer.concat([...parts, LABEL]), "buffer");
}

/** Throws RangeError for a point of small order, with which nothing would be secret (RFC 7748 section 6.1). */
function agreed(privateKey: KeyObject, theirs: Uint8Array): Uint8Array {
  try {
    return diffieHellman({ privateKey, publicKey: publicOf("x25519", theirs) });
  } catch (error) {
    throw new RangeError("X25519: got a point of small order, expected another one", {
      cause: error,
    });
  }
}

const privateOf = (asymmetricKeyType: string, format: string, key: Uint8Array): KeyObject =>
  createPrivateKey({ key, format, asymmetricKeyType } as never);

const publicOf = (asymmetricKeyType: string, key: Uint8Array): KeyObject =>
  createPublicKey({ key, format: "raw-public", asymmetricKeyType } as never);

const rawOf = (key: KeyObject): Buffer => key.export({ format: "raw-public" } as never) as never;
