/**
 * Sealed records of a link: a header of 9 bytes, which the seal covers, and a tag of 16. The header is WireGuard's (type, receiver's index, counter)
 * without what is always zero; of the counter it says the last 32 bits, as QUIC does (RFC 9000 section 17.1). The cipher is AES-256-GCM with a nonce of
 * 4 fixed bytes of the key and the whole counter (NIST SP 800-38D section 8.2.1).
 */
import { createCipheriv, createDecipheriv } from "node:crypto";

import type { DirectionKey } from "./epoch.ts";
import { FIXED_BYTES } from "./epoch.ts";
import { numberNear } from "./number-near.ts";
import { ReplayWindow } from "./replay-window.ts";

const TYPE_DATA = 4;
const INDEX_AT = 1;
const COUNTER_AT = 5;
export const HEADER_BYTES = 9;
export const TAG_BYTES = 16;
/** What a record is longer than its content. */
export const OVERHEAD_BYTES = HEADER_BYTES + TAG_BYTES;

/** A new epoch is begun then, and the old one is refused from the other one on. WireGuard's constants (REKEY_AFTER_TIME, REJECT_AFTER_TIME). */
export const REKEY_AFTER_MS = 120_000;
export const REJECT_AFTER_MS = 180_000;

/** When new keys are made, and when the old ones are refused, from the birth of keys on. */
export interface KeyTimes {
  rekeyAfterMs: number;
  rejectAfterMs: number;
}

export const KEY_TIMES: KeyTimes = {
  rekeyAfterMs: REKEY_AFTER_MS,
  rejectAfterMs: REJECT_AFTER_MS,
};
/** Far below what AES-GCM bears, and exact as a number. */
const RECORDS_MAX = 2 ** 48;
/** Of a counter so much is said: its last bits. */
const COUNTERS = 2 ** 32;

const CIPHER = "aes-256-gcm";

/** The index of the receiver's key in a record, whoever sent it; undefined: it is no record. */
export function indexOf(record: Buffer): number | undefined {
  if (record.length < OVERHEAD_BYTES || record[0] !== TYPE_DATA) return undefined;
  return record.readUInt32LE(INDEX_AT);
}

/** The last bits of the number of a record that `indexOf` knows. */
export function counterBitsOf(record: Buffer): number {
  return record.readUInt32LE(COUNTER_AT);
}

/** Seals until its time is over: then it throws, and nothing is sent in clear. */
export class Sealer {
  readonly #key: DirectionKey;
  readonly #index: number;
  readonly #bornMs: number;
  readonly #rejectAfterMs: number;
  readonly #nonce: Buffer;
  #counter: number;

  /** @param index of the key at the receiver. @param bornMs monotonic. @param first number of a record. */
  constructor(
    key: DirectionKey,
    index: number,
    bornMs: number,
    rejectAfterMs = REJECT_AFTER_MS,
    first = 0,
  ) {
    this.#key = key;
    this.#counter = first;
    this.#index = index;
    this.#bornMs = bornMs;
    this.#rejectAfterMs = rejectAfterMs;
    this.#nonce = Buffer.concat([key.fixed, Buffer.alloc(8)]);
  }

  /** Of the next record. */
  get counter(): number {
    return this.#counter;
  }

  isOver(nowMs: number): boolean {
    return nowMs - this.#bornMs >= this.#rejectAfterMs || this.#counter >= RECORDS_MAX;
  }

  /** Throws RangeError when the key's time is over. */
  seal(content: Uint8Array, nowMs: number): Buffer {
    if (this.isOver(nowMs))
      throw new RangeError("key: its time is over, expected one of a new epoch");
    const record = Buffer.allocUnsafe(content.length + OVERHEAD_BYTES);
    record[0] = TYPE_DATA;
    record.writeUInt32LE(this.#index, INDEX_AT);
    record.writeUInt32LE(this.#counter % COUNTERS, COUNTER_AT);
    writeCounter(this.#nonce, this.#counter);
    this.#counter++;
    const cipher = createCipheriv(CIPHER, this.#key.key, this.#nonce);
    cipher.setAAD(record.subarray(0, HEADER_BYTES));
    cipher.update(content).copy(record, HEADER_BYTES);
    cipher.final();
    cipher.getAuthTag().copy(record, HEADER_BYTES + content.length);
    return record;
  }
}

/** Why a record is not opened. */
export type Dropped = "replayed" | "forged" | "late_key";

export interface Opened {
  /** Of the record. */
  counter: number;
  content: Buffer;
}

/** Opens each record once. */
export class Opener {
  readonly #key: DirectionKey;
  readonly #bornMs: number;
  readonly #rejectAfterMs: number;
  readonly #window = new ReplayWindow();
  readonly #nonce: Buffer;
  #newest: number;

  /** @param bornMs monotonic. @param newest counter that has come under an earlier key; -1: there was none. */
  constructor(key: DirectionKey, bornMs: number, rejectAfterMs = REJECT_AFTER_MS, newest = -1) {
    this.#key = key;
    this.#newest = newest;
    this.#bornMs = bornMs;
    this.#rejectAfterMs = rejectAfterMs;
    this.#nonce = Buffer.concat([key.fixed, Buffer.alloc(8)]);
  }

  /** Counter of a record; -1: none has come. */
  get newest(): number {
    return this.#newest;
  }

  /** @param record with the index of this key (`indexOf`). */
  open(record: Buffer, nowMs: number): Opened | Dropped {
    if (nowMs - this.#bornMs >= this.#rejectAfterMs) return "late_key";
    const counter = numberNear(this.#newest + 1, counterBitsOf(record), COUNTERS);
    const isCounter = counter >= 0 && counter < RECORDS_MAX;
    if (!isCounter || !this.#window.mayAccept(counter)) return "replayed";
    writeCounter(this.#nonce, counter);
    const end = record.length - TAG_BYTES;
    const decipher = createDecipheriv(CIPHER, this.#key.key, this.#nonce);
    decipher.setAAD(record.subarray(0, HEADER_BYTES));
    decipher.setAuthTag(record.subarray(end));
    // A copy out of Node's pool: memory of its own for each record costs the garbage collector a quarter of a relay's time.
    const content = Buffer.from(decipher.update(record.subarray(HEADER_BYTES, end)));
    try {
      decipher.final();
    } catch {
      return "forged";
    }
    this.#window.accept(counter);
    this.#newest = Math.max(this.#newest, counter);
    return { counter, content };
  }
}

/** Behind the fixed bytes: 64 bits, little-endian. */
function writeCounter(nonce: Buffer, counter: number): void {
  nonce.writeUInt32LE(counter % COUNTERS, FIXED_BYTES);
  nonce.writeUInt32LE(Math.floor(counter / COUNTERS), FIXED_BYTES + 4);
}
