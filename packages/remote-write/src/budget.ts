import { RequestError } from "./errors.ts";
import { LIMITS } from "./limits.ts";
import type { Label } from "./series.ts";

/** What is left of a request's limits. Throws RequestError "too-large" when it is used up. */
export class Budget {
  #characters = 0;
  #buckets = 0;

  /** @param times how often they are repeated. */
  labels(labels: readonly Label[], times = 1): void {
    let characters = 0;
    for (const { name, value } of labels) characters += name.length + value.length;
    this.text(characters * times);
  }

  text(characters: number): void {
    this.#characters += characters;
    if (this.#characters > LIMITS.textsMaxCharacters)
      throw new RequestError(
        "too-large",
        `request: got texts of more than ${LIMITS.textsMaxCharacters} characters for its points, expected a smaller batch`,
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
