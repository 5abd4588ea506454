/** An answer that many ask for at the same time: what was answered a moment ago is not asked for again. */
import type { Clock } from "@glassline/service/clock";

export interface LatelyOptions {
  /** So long an answer counts, from the question on. */
  forMs: number;
  clock: Pick<Clock, "monotonicMs">;
}

export class Lately<T> {
  readonly #ask: () => Promise<T>;
  readonly #options: LatelyOptions;
  #last: { atMs: number; answer: Promise<T> } | undefined;

  constructor(ask: () => Promise<T>, options: LatelyOptions) {
    [this.#ask, this.#options] = [ask, options];
  }

  /** What was asked for last, also by others, or now. @param isAnew what was answered before does not count. */
  get(isAnew = false): Promise<T> {
    const { clock, forMs } = this.#options;
    const last = isAnew ? undefined : this.#last;
    return last && clock.monotonicMs() - last.atMs < forMs ? last.answer : this.now();
  }

  /** Asks in any case. */
  now(): Promise<T> {
    const last = { atMs: this.#options.clock.monotonicMs(), answer: this.#ask() };
    this.#last = last;
    // What failed is asked for again.
    last.answer.catch(() => {
      if (this.#last === last) this.#last = undefined;
    });
    return last.answer;
  }

  /** It is otherwise from now on. */
  forget(): void {
    this.#last = undefined;
  }
}
