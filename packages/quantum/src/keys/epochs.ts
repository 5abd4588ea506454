/**
 * The keys that two ends have of each other, epoch after epoch: sealed with the newest that the other end is known to have, opened with that one and
 * the one before it. Numbers of records go on from epoch to epoch. Its own state only; no input or output.
 */
import type { DirectionKey, EpochKeys, KeySource } from "./epoch.ts";
import type { Dropped, Opened } from "./records.ts";
import { Opener, REJECT_AFTER_MS, Sealer, indexOf } from "./records.ts";

export interface SessionKeys {
  sending: DirectionKey;
  receiving: DirectionKey;
  source: KeySource;
  /** By which the other end, and this one, finds the key of a record. */
  theirIndex: number;
  ownIndex: number;
}

export function sessionKeys(
  { toInitiator, toResponder, source }: EpochKeys,
  end: "initiator" | "responder",
  ownIndex: number,
  theirIndex: number,
): SessionKeys {
  const isInitiator = end === "initiator";
  const sending = isInitiator ? toResponder : toInitiator;
  const receiving = isInitiator ? toInitiator : toResponder;
  return { sending, receiving, source, ownIndex, theirIndex };
}

interface Epoch {
  opener: Opener;
  ownIndex: number;
}

export class Epochs {
  readonly #rejectAfterMs: number;
  /** The newest first; the one before it still opens what is under way. */
  #epochs: Epoch[] = [];
  #sealer: Sealer | undefined;
  /** Not known to be at the other end. */
  #unconfirmed: SessionKeys | undefined;
  #source: KeySource = "none";

  /** @param rejectAfterMs from the birth of keys on: they are refused. */
  constructor(rejectAfterMs = REJECT_AFTER_MS) {
    this.#rejectAfterMs = rejectAfterMs;
  }

  get source(): KeySource {
    return this.#source;
  }

  get maySeal(): boolean {
    return this.#sealer !== undefined;
  }

  /** Number of the next record. */
  get counter(): number {
    return this.#sealer?.counter ?? 0;
  }

  /** Opens with these keys from now on, and seals with them when a record has shown that the other end has them. */
  begin(keys: SessionKeys, nowMs: number): void {
    const newest = this.#epochs[0]?.opener.newest;
    const opener = new Opener(keys.receiving, nowMs, this.#rejectAfterMs, newest);
    this.#epochs = [{ opener, ownIndex: keys.ownIndex }, ...this.#epochs].slice(0, 2);
    this.#unconfirmed = keys;
  }

  /** Seals with these keys from now on. */
  turnTo(keys: SessionKeys, nowMs: number): void {
    const { sending, theirIndex, source } = keys;
    this.#unconfirmed = undefined;
    this.#sealer = new Sealer(
      sending,
      theirIndex,
      nowMs,
      this.#rejectAfterMs,
      this.#sealer?.counter,
    );
    this.#source = source;
  }

  open(record: Buffer, nowMs: number): Opened | Dropped | "unknown_key" {
    const index = indexOf(record);
    const epoch = this.#epochs.find(({ ownIndex }) => ownIndex === index);
    if (!epoch) return "unknown_key";
    const opened = epoch.opener.open(record, nowMs);
    if (typeof opened === "string") return opened;
    const unconfirmed = this.#unconfirmed;
    if (unconfirmed && unconfirmed.ownIndex === index) this.turnTo(unconfirmed, nowMs);
    return opened;
  }

  /** Throws RangeError when there are no keys, or their time is over: nothing goes in clear. */
  seal(content: Uint8Array, nowMs: number): Buffer {
    if (!this.#sealer) throw new RangeError("keys: got none");
    return this.#sealer.seal(content, nowMs);
  }
}
