/** Cuts points into groups (of one owner and time), and finds the shape of each. */
import type { Dictionary, Shape } from "./dictionary.ts";
import type { Points } from "./series-definition.ts";
import type { Group } from "./stream-encoder.ts";

export class ShapeFinder {
  readonly #dictionary: Dictionary;
  readonly #byHash = new Map<number, number[]>();
  /** By column: the text that names its owner. */
  #owners = new Uint32Array(64);
  #seriesKnown = 0;
  /** Shape -> the one that came after it the last time. */
  readonly #after: number[] = [];
  #before = 0;

  constructor(dictionary: Dictionary) {
    this.#dictionary = dictionary;
  }

  /** @param columns of the points, as the stream numbers them. */
  groupsOf(columns: Uint32Array, { count, timeUnixNano }: Points): Group[] {
    this.#learnOwners();
    const owners = this.#owners;
    const words = new Uint32Array(timeUnixNano.buffer, timeUnixNano.byteOffset, 2 * count);
    const groups: Group[] = [];
    for (let from = 0; from < count;) {
      const owner = owners[columns[from]!]!;
      const [low, high] = [words[2 * from]!, words[2 * from + 1]!];
      let to = from + 1;
      let ascends = true;
      while (
        to < count &&
        words[2 * to] === low &&
        words[2 * to + 1] === high &&
        owners[columns[to]!] === owner
      ) {
        if (columns[to]! <= columns[to - 1]!) ascends = false;
        to++;
      }
      if (ascends)
        groups.push({ shape: this.#shape(columns, from, to), positions: undefined, from });
      else this.#sorted(columns, from, to, groups);
      from = to;
    }
    return groups;
  }

  /** Columns that do not ascend are sorted; those that come twice make groups of their own. */
  #sorted(columns: Uint32Array, from: number, to: number, groups: Group[]): void {
    let left = Array.from({ length: to - from }, (_, at) => from + at).toSorted(
      (a, b) => columns[a]! - columns[b]! || a - b,
    );
    while (left.length > 0) {
      const isFirst = (position: number, at: number) =>
        at === 0 || columns[position] !== columns[left[at - 1]!];
      const positions = left.filter(isFirst);
      const shape = Uint32Array.from(positions, (position) => columns[position]!);
      groups.push({ shape: this.#shape(shape, 0, shape.length), positions, from });
      left = left.filter((position, at) => !isFirst(position, at));
    }
  }

  #shape(columns: Uint32Array, from: number, to: number): number {
    const expected = this.#after[this.#before];
    const shape =
      expected !== undefined && this.#isShape(expected, columns, from, to)
        ? expected
        : this.#lookUp(columns, from, to);
    this.#after[this.#before] = shape;
    this.#before = shape;
    return shape;
  }

  #lookUp(columns: Uint32Array, from: number, to: number): number {
    let hash = to - from;
    for (let at = from; at < to; at++) hash = (Math.imul(hash, 16_777_619) ^ columns[at]!) | 0;
    const known = this.#byHash.get(hash) ?? [];
    const found = known.find((shape) => this.#isShape(shape, columns, from, to));
    if (found !== undefined) return found;
    const shape = this.#dictionary.addShape(columns.slice(from, to));
    this.#byHash.set(hash, [...known, shape]);
    return shape;
  }

  #isShape(number: number, columns: Uint32Array, from: number, to: number): boolean {
    const shape: Shape = this.#dictionary.shapes[number]!;
    if (shape.length !== to - from) return false;
    for (let at = 0; at < shape.length; at++) if (shape[at] !== columns[from + at]) return false;
    return true;
  }

  #learnOwners(): void {
    const { series, columns } = this.#dictionary;
    if (columns > this.#owners.length) {
      const grown = new Uint32Array(Math.max(columns, 2 * this.#owners.length));
      grown.set(this.#owners);
      this.#owners = grown;
    }
    for (; this.#seriesKnown < series.length; this.#seriesKnown++) {
      const { parts, firstColumn, fields } = series[this.#seriesKnown]!;
      this.#owners.fill(parts[1]!, firstColumn, firstColumn + fields.length);
    }
  }
}
