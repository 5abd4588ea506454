/**
 * How two neighbours agree on the keys of an epoch: the shape of Noise's IKpsk2 (https://noiseprotocol.org/noise.html, revision 34, sections 7.5 and 9)
 * with X-Wing in place of each Diffie-Hellman, and the QKD key as the pre-shared one. Two messages; the initiator knows the responder's static key,
 * and is the one who asks the key manager for new keys. Pure but for chance.
 *
 *   -> e, encapsulated to the responder's s, sealed: hash of the initiator's s, moment, id of the QKD key
 *   <- encapsulated to e, encapsulated to the initiator's s, QKD key, sealed: nothing
 */
import { createCipheriv, createDecipheriv, createHash, createHmac } from "node:crypto";

import type { EpochKeys, Mode, QuantumKey } from "./epoch.ts";
import { epochKeys, prefixed } from "./epoch.ts";
import type { PrivateKey } from "./x-wing.ts";
import {
  CIPHERTEXT_BYTES,
  PUBLIC_KEY_BYTES,
  decapsulate,
  encapsulate,
  privateKeyOf,
} from "./x-wing.ts";

export const SUITE = "glassline-link/1 IKpsk2 X-Wing AES-256-GCM SHA-256";

const HASH_BYTES = 32;
const TAG_BYTES = 16;
const MOMENT_BYTES = 8;
const KEY_ID_MAX_BYTES = 200;
const SEALED_HASH_BYTES = HASH_BYTES + TAG_BYTES;
const FIRST_LEAST_BYTES =
  PUBLIC_KEY_BYTES + CIPHERTEXT_BYTES + SEALED_HASH_BYTES + MOMENT_BYTES + TAG_BYTES;
export const SECOND_BYTES = 2 * CIPHERTEXT_BYTES + TAG_BYTES;

export interface Self {
  /** As in its certificate. */
  name: string;
  /** Static. */
  key: PrivateKey;
}

export interface Peer {
  name: string;
  /** Static, PUBLIC_KEY_BYTES. */
  publicKey: Uint8Array;
}

export interface Agreement {
  epoch: number;
  mode: Mode;
  allowSimulatedKeys: boolean;
}

/** A message that is none, is not for this node, or comes from nobody whom it knows. Why is not told to who sent it. */
export class HandshakeError extends Error {
  override readonly name = "HandshakeError";
}

/** Identifies a static key. */
export const keyHash = (publicKey: Uint8Array): Buffer =>
  createHash("sha256").update(publicKey).digest();

/** Hash and key of what was said so far (Noise, section 5.2). */
class Talk {
  hash: Buffer;
  readonly secrets: Uint8Array[] = [];
  #chainingKey: Buffer;
  #key: Buffer = Buffer.alloc(0);
  #sealed = 0;

  constructor(initiator: string, responder: Peer) {
    this.hash = createHash("sha256").update(SUITE).digest();
    this.#chainingKey = this.hash;
    this.mix(prefixed([Buffer.from(initiator), Buffer.from(responder.name)]));
    this.mix(responder.publicKey);
  }

  mix(said: Uint8Array): void {
    this.hash = createHash("sha256").update(this.hash).update(said).digest();
  }

  /** A secret that both ends have from now on. */
  mixKey(secret: Uint8Array): void {
    this.secrets.push(secret);
    const extracted = createHmac("sha256", this.#chainingKey).update(secret).digest();
    this.#chainingKey = createHmac("sha256", extracted).update(Uint8Array.of(1)).digest();
    const next = createHmac("sha256", extracted).update(this.#chainingKey);
    this.#key = next.update(Uint8Array.of(2)).digest();
    this.#sealed = 0;
  }

  seal(content: Uint8Array): Buffer {
    const cipher = createCipheriv("aes-256-gcm", this.#key, this.#nonce());
    cipher.setAAD(this.hash);
    const sealed = Buffer.concat([cipher.update(content), cipher.final(), cipher.getAuthTag()]);
    this.mix(sealed);
    return sealed;
  }

  /** Throws HandshakeError. */
  open(sealed: Uint8Array): Buffer {
    const end = sealed.length - TAG_BYTES;
    const decipher = createDecipheriv("aes-256-gcm", this.#key, this.#nonce());
    decipher.setAAD(this.hash);
    decipher.setAuthTag(sealed.subarray(end));
    try {
      const content = Buffer.concat([decipher.update(sealed.subarray(0, end)), decipher.final()]);
      this.mix(sealed);
      return content;
    } catch (error) {
      throw new HandshakeError("handshake: the seal is wrong", { cause: error });
    }
  }

  /** A key seals twice at most. */
  #nonce(): Buffer {
    const nonce = Buffer.alloc(12);
    nonce.writeUInt32BE(this.#sealed++, 8);
    return nonce;
  }
}

export interface Offer {
  message: Buffer;
  /** Takes the second message. Throws HandshakeError, or NoQuantumKey. */
  finish: (message: Uint8Array) => EpochKeys;
}

/** @param moment that is later than all before it; the responder takes none that is not. */
export function offer(
  self: Self,
  peer: Peer,
  agreement: Agreement,
  { moment, quantumKey }: { moment: bigint; quantumKey: QuantumKey | undefined },
): Offer {
  const talk = new Talk(self.name, peer);
  const ephemeral = privateKeyOf();
  talk.mix(ephemeral.publicKey);
  const toPeer = encapsulate(peer.publicKey);
  talk.mix(toPeer.ciphertext);
  talk.mixKey(toPeer.secret);
  const who = talk.seal(keyHash(self.key.publicKey));
  const what = Buffer.alloc(MOMENT_BYTES);
  what.writeBigUInt64BE(moment);
  const id = Buffer.from(quantumKey?.id ?? "");
  if (id.length > KEY_ID_MAX_BYTES)
    throw new RangeError(`key id: got ${id.length} bytes, expected ${KEY_ID_MAX_BYTES} at most`);
  const said = talk.seal(Buffer.concat([what, id]));
  const message = Buffer.concat([ephemeral.publicKey, toPeer.ciphertext, who, said]);
  const finish = (second: Uint8Array): EpochKeys => {
    if (second.length !== SECOND_BYTES)
      throw new HandshakeError(`handshake: got ${second.length} bytes, expected ${SECOND_BYTES}`);
    const [toEphemeral, toSelf] = [0, 1].map((at) =>
      second.subarray(at * CIPHERTEXT_BYTES, (at + 1) * CIPHERTEXT_BYTES),
    ) as [Uint8Array, Uint8Array];
    for (const [key, ciphertext] of [
      [ephemeral, toEphemeral],
      [self.key, toSelf],
    ] as const) {
      talk.mix(ciphertext);
      talk.mixKey(opened(key, ciphertext));
    }
    talk.mixKey(quantumKey?.key ?? new Uint8Array());
    talk.open(second.subarray(2 * CIPHERTEXT_BYTES));
    return keysOf(talk, self.name, peer.name, agreement, quantumKey);
  };
  return { message, finish };
}

export interface Taken {
  peer: Peer;
  moment: bigint;
  /** Which the initiator has from its key manager; undefined: none. */
  quantumKeyId: string | undefined;
  /** @param quantumKey of that id. Throws NoQuantumKey. */
  answer: (
    agreement: Agreement,
    quantumKey: QuantumKey | undefined,
  ) => { message: Buffer; keys: EpochKeys };
}

/**
 * Takes the first message. Its moment has to be compared with the last one of this peer.
 * @param from who the message says it is from: the name is checked by the message itself.
 */
export function take(self: Self, from: Peer, message: Uint8Array): Taken {
  const length = message.length;
  if (length < FIRST_LEAST_BYTES || length > FIRST_LEAST_BYTES + KEY_ID_MAX_BYTES)
    throw new HandshakeError(
      `handshake: got ${length} bytes, expected ${FIRST_LEAST_BYTES} and more`,
    );
  const talk = new Talk(from.name, { name: self.name, publicKey: self.key.publicKey });
  let at = 0;
  const next = (bytes: number): Uint8Array => message.subarray(at, (at += bytes));
  const ephemeral = next(PUBLIC_KEY_BYTES);
  talk.mix(ephemeral);
  const ciphertext = next(CIPHERTEXT_BYTES);
  talk.mix(ciphertext);
  talk.mixKey(opened(self.key, ciphertext));
  if (!talk.open(next(SEALED_HASH_BYTES)).equals(keyHash(from.publicKey)))
    throw new HandshakeError(`handshake: got another key, expected that of ${from.name}`);
  const what = talk.open(message.subarray(at));
  const moment = what.readBigUInt64BE(0);
  const quantumKeyId = what.subarray(MOMENT_BYTES).toString() || undefined;
  return {
    peer: from,
    moment,
    quantumKeyId,
    answer: (agreement, quantumKey) => {
      const parts = [ephemeral, from.publicKey].map((publicKey) => {
        const { ciphertext: made, secret } = enclosed(publicKey);
        talk.mix(made);
        talk.mixKey(secret);
        return made;
      });
      talk.mixKey(quantumKey?.key ?? new Uint8Array());
      const sealed = talk.seal(new Uint8Array());
      const keys = keysOf(talk, from.name, self.name, agreement, quantumKey);
      return { message: Buffer.concat([...parts, sealed]), keys };
    },
  };
}

function keysOf(
  { hash, secrets }: Talk,
  initiator: string,
  responder: string,
  agreement: Agreement,
  quantumKey: QuantumKey | undefined,
): EpochKeys {
  const input = { ...agreement, suite: SUITE, initiator, responder, transcript: hash };
  // The last of them is the QKD key, which has a place of its own.
  return epochKeys({ ...input, secrets: secrets.slice(0, -1), quantumKey });
}

/** Throws HandshakeError for what a stranger made up. */
function opened(key: PrivateKey, ciphertext: Uint8Array): Uint8Array {
  try {
    return decapsulate(key, ciphertext);
  } catch (error) {
    throw new HandshakeError("handshake: got no ciphertext of X-Wing", { cause: error });
  }
}

function enclosed(publicKey: Uint8Array) {
  try {
    return encapsulate(publicKey);
  } catch (error) {
    throw new HandshakeError("handshake: got no public key of X-Wing", { cause: error });
  }
}
