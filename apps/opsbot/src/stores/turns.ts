/** One after another, in the order in which they came. */

export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  /** Rejects with what the work rejects with; the next one has its turn all the same. */
  take<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => {});
    return turn;
  }
}
