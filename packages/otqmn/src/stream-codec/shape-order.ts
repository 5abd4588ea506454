/** Which shapes follow one another: the next group mostly is of the shape that came after this one the last time. */
import { grown } from "./grown.ts";

export class ShapeOrder {
  #after = new Uint32Array(16);
  #before = 0;

  /** The shape that is expected now. */
  get expected(): number {
    return this.#after[this.#before]!;
  }

  follow(shape: number): void {
    this.#after[this.#before] = shape;
    this.#before = shape;
    if (shape >= this.#after.length) this.#after = grown(this.#after, shape + 1);
  }
}
