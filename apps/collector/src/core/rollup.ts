/** A metric over all cameras, minute by minute: how many values, their sum, the least and the greatest. NaN does not count. */
import { LATEST_TIME } from "./times.ts";

export interface Cell {
  count: number;
  sum: number;
  least: number;
  greatest: number;
}

const MINUTE_NANO = 60_000_000_000n;

export const minuteOf = (timeUnixNano: bigint): number => Number(timeUnixNano / MINUTE_NANO);

/** Which minutes are added up, and how many of them together. */
export interface Steps {
  fromMinute: number;
  /** Exclusive. */
  toMinute: number;
  /** Steps begin at multiples of it. */
  stepMinutes: number;
  /** Further ones are left out. */
  stepsMax: number;
}

const EVERY_MINUTE: Steps = {
  fromMinute: 0,
  toMinute: Number.POSITIVE_INFINITY,
  stepMinutes: 1,
  stepsMax: Number.POSITIVE_INFINITY,
};

export class Rollup {
  readonly #steps: Steps;
  /** By minute since 1970 with which the step begins. */
  readonly cells = new Map<number, Cell>();
  /** Values come minute by minute, as a rule. */
  #minute = -1;
  #cell: Cell | undefined;
  /** Whether something was added, be it left out. */
  isKnown = false;
  /** Whether there were more steps than there may be. */
  isFull = false;

  constructor(steps = EVERY_MINUTE) {
    this.#steps = steps;
  }

  /** Of points that may count, in nanoseconds since 1970: from <= time < to. */
  get times(): { from: bigint; to: bigint } {
    const { fromMinute, toMinute } = this.#steps;
    const to = Number.isFinite(toMinute) ? BigInt(toMinute) * MINUTE_NANO : LATEST_TIME;
    return { from: BigInt(fromMinute) * MINUTE_NANO, to };
  }

  add(minute: number, value: number): void {
    if (minute !== this.#minute) {
      this.#minute = minute;
      this.#cell = this.#cellOf(minute);
    }
    if (this.#cell) addTo(this.#cell, value);
  }

  merge(minute: number, other: Readonly<Cell>): void {
    const cell = this.#cellOf(minute);
    if (cell) Object.assign(cell, mergedCell(cell, other));
  }

  /** In order; those without a value are left out. */
  inOrder(): [minute: number, cell: Cell][] {
    return [...this.cells].filter(([, { count }]) => count > 0).toSorted(([a], [b]) => a - b);
  }

  #cellOf(minute: number): Cell | undefined {
    this.isKnown = true;
    const { fromMinute, toMinute, stepMinutes, stepsMax } = this.#steps;
    if (minute < fromMinute || minute >= toMinute) return undefined;
    const begin = minute - (minute % stepMinutes);
    let cell = this.cells.get(begin);
    if (cell) return cell;
    if (this.cells.size >= stepsMax) {
      this.isFull = true;
      return undefined;
    }
    this.cells.set(begin, (cell = emptyCell()));
    return cell;
  }
}

export function emptyCell(): Cell {
  return {
    count: 0,
    sum: 0,
    least: Number.POSITIVE_INFINITY,
    greatest: Number.NEGATIVE_INFINITY,
  };
}

export function addTo(cell: Cell, value: number): void {
  if (Number.isNaN(value)) return;
  cell.count++;
  cell.sum += value;
  if (value < cell.least) cell.least = value;
  if (value > cell.greatest) cell.greatest = value;
}

export function mergedCell(a: Readonly<Cell>, b: Readonly<Cell>): Cell {
  return {
    count: a.count + b.count,
    sum: a.sum + b.sum,
    least: Math.min(a.least, b.least),
    greatest: Math.max(a.greatest, b.greatest),
  };
}
