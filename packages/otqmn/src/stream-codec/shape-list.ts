/** Shapes by their numbers, in one array: a stream has hundreds, and each array of its own takes more than what is in it. */
import { grown, trimmed } from "./grown.ts";
import { shared } from "./shared-numbers.ts";

/** The columns that a group of points has, ascending; e.g. those that a camera reports together. */
export type Shape = Uint32Array;

export class ShapeList {
  /** Of all shapes, one behind another. */
  columns = new Uint32Array(16);
  /** By shape: the place behind its last column. */
  #ends = new Uint32Array(4);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(shape: Shape): void {
    const from = this.end(this.#length - 1);
    const to = from + shape.length;
    if (to > this.columns.length) this.columns = grown(this.columns, to);
    this.columns.set(shape, from);
    if (this.#length === this.#ends.length) this.#ends = grown(this.#ends, this.#length + 1);
    this.#ends[this.#length++] = to;
  }

  /** Keeps no room for more. What is full is not written to. */
  settle(): void {
    this.columns = shared(trimmed(this.columns, this.end(this.#length - 1)));
    this.#ends = shared(trimmed(this.#ends, this.#length));
  }

  /** The place of its first column; that of a shape which is not there is as its end. */
  from(number: number): number {
    return this.end(number - 1);
  }

  end(number: number): number {
    return number < 0 ? 0 : this.#ends[number]!;
  }

  /** How many columns it has. */
  size(number: number): number {
    return this.end(number) - this.from(number);
  }
}
