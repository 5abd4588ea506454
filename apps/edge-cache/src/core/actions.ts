/** One-shot actions of others, each done once: the answer is stored under its idempotency key. Pure. */
import { RpcError } from "@glassline/proto/errors";

/** Older keys are forgotten. */
const KEYS_MAX = 10_000;
const KEY_MAX_CHARS = 200;

export interface Caller {
  idempotencyKey: string;
  /** 0: a person, who has none. */
  fencingToken: bigint;
}

interface Done {
  target: string;
  answer: Promise<object>;
}

export class OneShotActions {
  readonly #done = new Map<string, Done>();
  #highest = 0n;

  /**
   * Does the work unless its key is known. Throws RpcError "failed_precondition" for a caller whose fencing token is lower
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
    this.#checkToken(fencingToken);
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

  #checkToken(token: bigint): void {
    if (token === 0n) return;
    if (token < this.#highest)
      throw new RpcError(
        "failed_precondition",
        `fencing_token: got ${token}, expected at least ${this.#highest}: another OpsBot has taken over`,
      );
    this.#highest = token;
  }

  #remember(key: string, done: Done): void {
    this.#done.set(key, done);
    if (this.#done.size <= KEYS_MAX) return;
    const oldest = this.#done.keys().next().value;
    if (oldest !== undefined) this.#done.delete(oldest);
  }
}
