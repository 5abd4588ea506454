import { RequestError } from "./errors.ts";
import { LIMITS } from "./limits.ts";
import type { Label } from "./series.ts";

/** What is left of a request's limits. Throws RequestError "too-large" when it is used up. */
export class Budget {
  #labelsBytes = 0;
  #buckets = 0;

  labels(labels: readonly Label[]): void {
    for (const { name, value } of labels) this.#labelsBytes += name.length + value.length;
    if (this.#labelsBytes > LIMITS.labelsMaxBytes)
      throw new RequestError(
        "too-large",
        `request: got labels of more than ${LIMITS.labelsMaxBytes} bytes, expected a smaller batch`,
      );
  }

  buckets(count: number): void {
    this.#buckets += count;
    if (this.#buckets > LIMITS.bucketsMaxPerRequest)
      throw new RequestError(
        "too-large",
        `request: got more than ${LIMITS.bucketsMaxPerRequest} buckets, expected a smaller batch`,
      );
  }
}
