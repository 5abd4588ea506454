/** Which shapes follow one another: the next group mostly is of the shape that came after this one the last time. */
import { FrequencyModel } from "./frequency-model.ts";

export class GroupState {
  readonly counts = new FrequencyModel();
  /** Symbol 0: as expected; 1: another, whose number follows. */
  readonly isOther = new FrequencyModel();
  #after = new Uint32Array(16);
  #before = 0;
  count = 0;

  /** The shape that is expected now. */
  get expected(): number {
    return this.#after[this.#before]!;
  }

  reserve(shapes: number): void {
    if (shapes <= this.#after.length) return;
    const grown = new Uint32Array(Math.max(shapes, 2 * this.#after.length));
    grown.set(this.#after);
    this.#after = grown;
  }

  follow(shape: number): void {
    this.#after[this.#before] = shape;
    this.#before = shape;
  }
}
