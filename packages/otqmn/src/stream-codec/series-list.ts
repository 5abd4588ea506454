/** Series by their numbers, as columns of numbers: a stream has thousands. */
import { grown } from "./grown.ts";

export interface NumberedSeries {
  /** Numbers of texts. */
  readonly parts: readonly number[];
  readonly firstColumn: number;
  /** Of its columns: twice the field, and 1 more for integers. */
  readonly fields: readonly number[];
}

export class SeriesList {
  #parts = new Uint32Array(16);
  /** By series: the place behind its last part. */
  #partsEnd = new Uint32Array(16);
  #firstColumns = new Uint32Array(16);
  /** By series; neighbours that have the same share them. */
  readonly #fields: (readonly number[])[] = [];

  get length(): number {
    return this.#fields.length;
  }

  /** Undefined when there is none. */
  at(number: number): NumberedSeries | undefined {
    const fields = this.#fields[number];
    if (!fields) return undefined;
    const parts = this.#parts.subarray(this.#partsFrom(number), this.#partsEnd[number]);
    return { parts: [...parts], firstColumn: this.#firstColumns[number]!, fields };
  }

  push({ parts, firstColumn, fields }: NumberedSeries): void {
    const number = this.length;
    const from = this.#partsFrom(number);
    const to = from + parts.length;
    if (to > this.#parts.length) this.#parts = grown(this.#parts, to);
    this.#parts.set(parts, from);
    if (number === this.#partsEnd.length) {
      this.#partsEnd = grown(this.#partsEnd, 0);
      this.#firstColumns = grown(this.#firstColumns, 0);
    }
    this.#partsEnd[number] = to;
    this.#firstColumns[number] = firstColumn;
    const before = this.#fields[number - 1];
    this.#fields.push(before && isEqual(before, fields) ? before : fields);
  }

  #partsFrom(number: number): number {
    return number === 0 ? 0 : this.#partsEnd[number - 1]!;
  }
}

function isEqual(left: readonly number[], right: readonly number[]): boolean {
  return left.length === right.length && left.every((each, at) => each === right[at]);
}
