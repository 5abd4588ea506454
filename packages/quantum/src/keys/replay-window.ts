/** Which counters have been seen: each passes once, and those that are far behind do not pass at all. Source: RFC 6479. */

const WORD = 32;
/** Counters behind the newest one that may still pass. */
export const WINDOW = 2_048;

export class ReplayWindow {
  /** One word more than the window needs: it is cleared while the newest counters move into it. */
  readonly #words = new Uint32Array(WINDOW / WORD + 1);
  #newest = -1;

  /** @returns whether it had not been seen, and is not too far behind; it has been seen from then on. Only for packets whose seal is right. */
  accept(counter: number): boolean {
    if (counter > this.#newest) this.#moveTo(counter);
    else if (this.#newest - counter >= WINDOW) return false;
    const [word, bit] = [this.#wordOf(counter), 1 << (counter % WORD)];
    if ((this.#words[word]! & bit) !== 0) return false;
    this.#words[word]! |= bit;
    return true;
  }

  /** Whether `accept` would take it, before the seal is looked at. */
  mayAccept(counter: number): boolean {
    if (counter > this.#newest) return true;
    if (this.#newest - counter >= WINDOW) return false;
    return (this.#words[this.#wordOf(counter)]! & (1 << (counter % WORD))) === 0;
  }

  #moveTo(counter: number): void {
    const from = Math.floor(this.#newest / WORD);
    const steps = Math.min(this.#words.length, Math.floor(counter / WORD) - from);
    for (let step = 1; step <= steps; step++)
      this.#words[
        (((from + step) % this.#words.length) + this.#words.length) % this.#words.length
      ] = 0;
    this.#newest = counter;
  }

  #wordOf(counter: number): number {
    return Math.floor(counter / WORD) % this.#words.length;
  }
}
