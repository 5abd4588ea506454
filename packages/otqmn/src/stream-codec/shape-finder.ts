/** Cuts points into groups (of one owner and time), and finds the shape of each. */
import type { Dictionary } from "./dictionary.ts";
import { grown } from "./grown.ts";
import { ShapeOrder } from "./shape-order.ts";

/** The groups of a batch, by their order. */
export interface Groups {
  count: number;
  shapes: Uint32Array;
  /** 1: not the shape that was expected. */
  areOther: Uint8Array;
  /** Where the first point of a group stands; the others follow, unless it is in `sorted`. */
  from: Uint32Array;
  /** Groups whose points do not stand in the order of their columns: where each one stands. */
  sorted: Map<number, readonly number[]>;
}

export class ShapeFinder {
  readonly #dictionary: Dictionary;
  readonly #byHash = new Map<number, number[]>();
  /** By column: the text that names its owner. */
  #owners = new Uint32Array(64);
  #seriesKnown = 0;
  readonly #order = new ShapeOrder();
  #groups: Groups = {
    count: 0,
    shapes: new Uint32Array(64),
    areOther: new Uint8Array(64),
    from: new Uint32Array(64),
    sorted: new Map(),
  };

  constructor(dictionary: Dictionary) {
    this.#dictionary = dictionary;
  }

  /**
   * @param columns of the points, as the stream numbers them.
   * @param times two words a point.
   * @returns what is valid until the next call.
   */
  groupsOf(columns: Uint32Array, times: Uint32Array, count: number): Groups {
    this.#learnOwners();
    const groups = this.#groups;
    groups.count = 0;
    groups.sorted.clear();
    for (let from = 0; from < count;) {
      const to = this.#endOfExpected(columns, times, from, count);
      from =
        to > from
          ? this.#push(this.#order.expected, from, to)
          : this.#cut(columns, times, from, count);
    }
    return groups;
  }

  /** The end of a group of the shape that came next the last time; `from` when there is none. */
  #endOfExpected(columns: Uint32Array, times: Uint32Array, from: number, count: number): number {
    const { shapes } = this.#dictionary;
    const shape = this.#order.expected;
    if (shape >= shapes.length || from + shapes.size(shape) > count) return from;
    const [low, high] = [times[2 * from]!, times[2 * from + 1]!];
    const known = shapes.columns;
    const to = from + shapes.size(shape);
    for (let at = from, place = shapes.from(shape); at < to; at++, place++) {
      if (columns[at] !== known[place] || times[2 * at] !== low || times[2 * at + 1] !== high)
        return from;
    }
    return this.#isEnd(columns, times, from, to, count) ? to : from;
  }

  #isEnd(
    columns: Uint32Array,
    times: Uint32Array,
    from: number,
    to: number,
    count: number,
  ): boolean {
    return (
      to === count ||
      times[2 * to] !== times[2 * from] ||
      times[2 * to + 1] !== times[2 * from + 1] ||
      this.#owners[columns[to]!] !== this.#owners[columns[from]!]
    );
  }

  /** A group whatever its shape is. @returns its end. */
  #cut(columns: Uint32Array, times: Uint32Array, from: number, count: number): number {
    let to = from + 1;
    let ascends = true;
    while (!this.#isEnd(columns, times, from, to, count)) {
      if (columns[to]! <= columns[to - 1]!) ascends = false;
      to++;
    }
    if (ascends) return this.#push(this.#lookUp(columns, from, to), from, to);
    this.#pushSorted(columns, from, to);
    return to;
  }

  #push(shape: number, from: number, to: number): number {
    const groups = this.#groups;
    if (groups.count === groups.shapes.length) this.#grow();
    groups.shapes[groups.count] = shape;
    groups.areOther[groups.count] = shape === this.#order.expected ? 0 : 1;
    groups.from[groups.count++] = from;
    this.#order.follow(shape);
    return to;
  }

  /** Columns that do not ascend are sorted; those that come twice make groups of their own. */
  #pushSorted(columns: Uint32Array, from: number, to: number): void {
    const sorted = Array.from({ length: to - from }, (_, at) => from + at).toSorted(
      (a, b) => columns[a]! - columns[b]! || a - b,
    );
    // The first of each column, then the second of those that have one, and so on.
    const groups: number[][] = [];
    let times = 0;
    for (const [at, position] of sorted.entries()) {
      times = at > 0 && columns[position] === columns[sorted[at - 1]!] ? times + 1 : 0;
      (groups[times] ??= []).push(position);
    }
    for (const positions of groups) {
      const shape = Uint32Array.from(positions, (position) => columns[position]!);
      this.#groups.sorted.set(this.#groups.count, positions);
      this.#push(this.#lookUp(shape, 0, shape.length), positions[0]!, to);
    }
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
    const { shapes } = this.#dictionary;
    if (shapes.size(number) !== to - from) return false;
    const known = shapes.columns;
    for (let at = from, place = shapes.from(number); at < to; at++, place++)
      if (columns[at] !== known[place]) return false;
    return true;
  }

  #learnOwners(): void {
    const { series, columns } = this.#dictionary;
    if (columns > this.#owners.length) this.#owners = grown(this.#owners, columns);
    for (; this.#seriesKnown < series.length; this.#seriesKnown++) {
      const { parts, firstColumn, fields } = series.at(this.#seriesKnown)!;
      this.#owners.fill(parts[1]!, firstColumn, firstColumn + fields.length);
    }
  }

  #grow(): void {
    const groups = this.#groups;
    groups.shapes = grown(groups.shapes, 0);
    groups.areOther = grown(groups.areOther, 0);
    groups.from = grown(groups.from, 0);
  }
}
