/** Which of several OpsBots is heard: one with the highest fencing token that was seen, or a higher one. */
import { RpcError } from "@glassline/proto/errors";

import { messageOf } from "./errors.ts";

/** Resolves when the token outlives the process. */
export type KeepToken = (token: bigint) => Promise<void>;

export class Fencing {
  readonly #keep: KeepToken;
  #highest: bigint;
  #kept: bigint;

  /** @param kept by an earlier life of the process. */
  constructor(kept = 0n, keep: KeepToken = async () => {}) {
    this.#highest = this.#kept = kept;
    this.#keep = keep;
  }

  get highest(): bigint {
    return this.#highest;
  }

  /**
   * Lower tokens are refused from now on. Rejects with RpcError: "invalid_argument" for 0, "failed_precondition" for a token that is
   * lower than one seen before, "unavailable" when it cannot be kept.
   */
  async raise(token: bigint): Promise<void> {
    if (token < 1n)
      throw new RpcError("invalid_argument", `fencing_token: got ${token}, expected at least 1`);
    this.#refuseLower(token);
    this.#highest = token;
    if (token <= this.#kept) return;
    await this.#keep(token).catch((error: unknown) => {
      const message = `fencing_token: ${token} cannot be kept: ${messageOf(error)}`;
      throw new RpcError("unavailable", message, { cause: error });
    });
    if (token > this.#kept) this.#kept = token;
    // While it was written a higher one may have come.
    this.#refuseLower(token);
  }

  #refuseLower(token: bigint): void {
    if (token >= this.#highest) return;
    throw new RpcError(
      "failed_precondition",
      `fencing_token: got ${token}, expected at least ${this.#highest}: another OpsBot has taken over`,
    );
  }
}
