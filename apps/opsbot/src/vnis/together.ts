/** Those who ask while others are being answered share the next transaction: a commit costs as much for many as for one. */

export interface TogetherOptions<Q, A> {
  /** In the order of what is asked; when it rejects, each is asked for alone. */
  answerAll: (asked: readonly Q[]) => Promise<readonly A[]>;
  /** Of those with the same key one is asked for at a time. */
  keyOf: (asked: Q) => string;
  /** Asked for together, at most. */
  most: number;
  /** Transactions. */
  atOnce: number;
}

interface Waiting<Q, A> {
  asked: Q;
  resolve: (answer: A) => void;
  reject: (error: unknown) => void;
}

export class Together<Q, A> {
  readonly #options: TogetherOptions<Q, A>;
  #waiting: Waiting<Q, A>[] = [];
  #underWay = 0;

  constructor(options: TogetherOptions<Q, A>) {
    this.#options = options;
  }

  /** Rejects as it would for this one alone. */
  ask(asked: Q): Promise<A> {
    const { promise, resolve, reject } = Promise.withResolvers<A>();
    this.#waiting.push({ asked, resolve, reject });
    void this.#next();
    return promise;
  }

  async #next(): Promise<void> {
    if (this.#underWay >= this.#options.atOnce) return;
    this.#underWay++;
    while (this.#waiting.length > 0) await this.#answer(this.#take());
    this.#underWay--;
  }

  #take(): Waiting<Q, A>[] {
    const { keyOf, most } = this.#options;
    const taken = new Map<string, Waiting<Q, A>>();
    const left: Waiting<Q, A>[] = [];
    for (const one of this.#waiting) {
      const key = keyOf(one.asked);
      if (taken.size >= most || taken.has(key)) left.push(one);
      else taken.set(key, one);
    }
    this.#waiting = left;
    return [...taken.values()];
  }

  async #answer(taken: readonly Waiting<Q, A>[]): Promise<void> {
    try {
      const answers = await this.#options.answerAll(taken.map(({ asked }) => asked));
      for (const [at, { resolve }] of taken.entries()) resolve(answers[at]!);
    } catch (error) {
      if (taken.length === 1) return taken[0]!.reject(error);
      for (const one of taken) await this.#answer([one]);
    }
  }
}
