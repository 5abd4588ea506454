/** What an end knows of frames that are under way. Of those that nobody answers, old ones are forgotten. */
const FRAMES_MAX = 16;

export class Frames<Frame> {
  readonly #frames = new Map<number, Frame>();
  #next = 0;

  /** @returns its number. */
  add(frame: Frame): number {
    this.set(this.#next, frame);
    return this.#next++;
  }

  set(number: number, frame: Frame): void {
    this.#frames.set(number, frame);
    for (const old of this.#frames.keys()) {
      if (this.#frames.size <= FRAMES_MAX) break;
      this.#frames.delete(old);
    }
  }

  /** Throws RangeError. */
  get(number: number): Frame {
    const known = this.#frames.get(number);
    if (!known) throw new RangeError(`frame: got ${number}, expected one that is under way`);
    return known;
  }

  delete(number: number): void {
    this.#frames.delete(number);
  }
}
