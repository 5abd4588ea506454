/** Ends of an edge that nobody asked for, as its state tells them. Pure. */

export class Ends {
  #count = 0;
  #last = "";
  #lastUnixNano = 0n;

  /** @param how for people: "SIGKILL". */
  add(how: string, nowUnixNano: bigint): void {
    this.#count++;
    this.#last = how;
    this.#lastUnixNano = nowUnixNano;
  }

  get state() {
    return {
      unexpectedEnds: this.#count,
      lastEnd: this.#last,
      lastEndUnixNano: this.#lastUnixNano,
    };
  }
}
