/** One-shot actions of others, each done once: the answer is stored under its idempotency key. */
import { RpcError } from "@glassline/proto/errors";

import { Fencing } from "./fencing.ts";

/** Older keys are forgotten. */
const KEYS_MAX = 10_000;
const KEY_MAX_CHARS = 200;

export interface Caller {
  idempotencyKey: string;
  /** 0: a person, who has none. */
  fencingToken: bigint;
}

export interface OneShotOptions {
  fencing?: Fencing;
  /** False: a caller without a fencing token is refused. */
  peopleMay?: boolean;
}

interface Done {
  target: string;
  answer: Promise<object>;
}

export class OneShotActions {
  readonly #fencing: Fencing;
  readonly #peopleMay: boolean;
  readonly #done = new Map<string, Done>();

  constructor({ fencing = new Fencing(), peopleMay = true }: OneShotOptions = {}) {
    this.#fencing = fencing;
    this.#peopleMay = peopleMay;
  }

  /** What an earlier life of the process did. */
  recall(action: string, target: string, idempotencyKey: string, answer: object): void {
    this.#remember(`${action} ${idempotencyKey}`, { target, answer: Promise.resolve(answer) });
  }

  /**
   * Does the work unless its key is known. Rejects with RpcError: "failed_precondition" for a caller whose fencing token is lower
   * than one seen before, "invalid_argument" without a key or with that of an action on another target.
   */
  async once<T extends object>(
    action: string,
    target: string,
    { idempotencyKey, fencingToken }: Caller,
    work: () => Promise<T>,
  ): Promise<T & { replayed: boolean }> {
    if (idempotencyKey === "" || idempotencyKey.length > KEY_MAX_CHARS)
      throw new RpcError(
        "invalid_argument",
        `idempotency_key: got ${idempotencyKey.length} characters, expected 1 to ${KEY_MAX_CHARS}`,
      );
    if (fencingToken !== 0n || !this.#peopleMay) await this.#fencing.raise(fencingToken);
    const key = `${action} ${idempotencyKey}`;
    const known = this.#done.get(key);
    if (known && known.target !== target)
      throw new RpcError(
        "invalid_argument",
        `idempotency_key: got that of the ${action} of ${known.target}, expected a new one for ${target}`,
      );
    if (known) return { ...((await known.answer) as T), replayed: true };
    const answer = work();
    this.#remember(key, { target, answer });
    try {
      return { ...(await answer), replayed: false };
    } catch (error) {
      // It was not done: the caller may try again with the same key.
      this.#done.delete(key);
      throw error;
    }
  }

  #remember(key: string, done: Done): void {
    this.#done.set(key, done);
    if (this.#done.size <= KEYS_MAX) return;
    const oldest = this.#done.keys().next().value;
    if (oldest !== undefined) this.#done.delete(oldest);
  }
}
