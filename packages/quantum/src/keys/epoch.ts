/**
 * The keys of an epoch of a link: one a direction, from all secrets that the ends share. Whoever does not know every one of them knows nothing.
 * HKDF with SHA-256 (RFC 5869); what goes in is length-prefixed, so that no two lists of secrets are one string.
 */
import type { KeyObject } from "node:crypto";
import { createHmac, createSecretKey } from "node:crypto";

export const MODES = ["hybrid", "qkd-required", "otp"] as const;
/** hybrid: with a QKD key where there is one; qkd-required: never without; otp: nor without one-time pads for what cameras say (pad.ts). */
export type Mode = (typeof MODES)[number];

/** "qkd": from a device; "sim": from simulated photons, which add nothing; "shares": it came in shares by several ways; "none": there was no key. */
export type KeySource = "qkd" | "sim" | "shares" | "none";

export interface QuantumKey {
  /** As the key manager named it. */
  id: string;
  key: Uint8Array;
  source: Exclude<KeySource, "none">;
}

export interface EpochInput {
  suite: string;
  /** Names of the ends, as in their certificates. */
  initiator: string;
  responder: string;
  epoch: number;
  mode: Mode;
  /** Hash of all that the ends have said to each other. */
  transcript: Uint8Array;
  /** Of the key encapsulations, in their order. */
  secrets: readonly Uint8Array[];
  quantumKey: QuantumKey | undefined;
  /** A mode that needs QKD takes simulated keys. */
  allowSimulatedKeys: boolean;
}

export interface DirectionKey {
  /** AES-256. */
  key: KeyObject;
  /** First four bytes of each nonce. */
  fixed: Buffer;
}

export interface EpochKeys {
  toResponder: DirectionKey;
  toInitiator: DirectionKey;
  source: KeySource;
}

/** A mode without the key that it needs. No mode ever goes on without. */
export class NoQuantumKey extends Error {
  override readonly name = "NoQuantumKey";
}

const KEY_BYTES = 32;
/** Of each nonce, which are the key's. */
export const FIXED_BYTES = 4;

/** Throws NoQuantumKey. */
export function epochKeys(input: EpochInput): EpochKeys {
  const { mode, quantumKey, allowSimulatedKeys, transcript, secrets } = input;
  if (mode !== "hybrid" && !quantumKey)
    throw new NoQuantumKey(`mode ${mode}: got no QKD key, expected one`);
  if (mode !== "hybrid" && quantumKey?.source === "sim" && !allowSimulatedKeys)
    throw new NoQuantumKey(
      `mode ${mode}: got a simulated key, expected one of a device (or --allow-simulated-keys)`,
    );
  const shared = [...secrets, quantumKey?.key ?? new Uint8Array()];
  const chainingKey = createHmac("sha256", transcript).update(prefixed(shared)).digest();
  const directed = (direction: string): DirectionKey => {
    const { suite, initiator, responder, epoch } = input;
    const names = [
      suite,
      initiator,
      responder,
      String(epoch),
      direction,
      quantumKey?.id ?? "",
      mode,
    ];
    const info = prefixed(names.map((name) => Buffer.from(name)));
    // Expand only: extraction was done above, with the transcript as its salt.
    const bytes = Buffer.from(hkdfExpand(chainingKey, info, KEY_BYTES + FIXED_BYTES));
    const key = createSecretKey(bytes.subarray(0, KEY_BYTES));
    const fixed = Buffer.from(bytes.subarray(KEY_BYTES));
    bytes.fill(0, 0, KEY_BYTES);
    return { key, fixed };
  };
  const keys = { toResponder: directed("to responder"), toInitiator: directed("to initiator") };
  chainingKey.fill(0);
  return { ...keys, source: quantumKey?.source ?? "none" };
}

/** Each with its length before it, four bytes, big-endian. */
export function prefixed(parts: readonly Uint8Array[]): Buffer {
  return Buffer.concat(
    parts.flatMap((part) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(part.length);
      return [length, part];
    }),
  );
}

/** RFC 5869 section 2.3. */
function hkdfExpand(key: Uint8Array, info: Uint8Array, bytes: number): Uint8Array {
  const blocks: Buffer[] = [];
  for (let made = 0; made < bytes; made += 32) {
    const hmac = createHmac("sha256", key);
    hmac.update(blocks.at(-1) ?? Buffer.alloc(0)).update(info);
    blocks.push(hmac.update(Uint8Array.of(blocks.length + 1)).digest());
  }
  return Buffer.concat(blocks).subarray(0, bytes);
}
