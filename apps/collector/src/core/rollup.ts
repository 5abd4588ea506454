/** A metric over all cameras, minute by minute: how many values, their sum, the least and the greatest. NaN does not count. */

export interface Cell {
  count: number;
  sum: number;
  least: number;
  greatest: number;
}

const MINUTE_NANO = 60_000_000_000n;

export const minuteOf = (timeUnixNano: bigint): number => Number(timeUnixNano / MINUTE_NANO);

export class Rollup {
  /** By minute since 1970. */
  readonly cells = new Map<number, Cell>();
  /** Values come minute by minute, as a rule. */
  #minute = -1;
  #cell: Cell = emptyCell();

  add(minute: number, value: number): void {
    if (minute !== this.#minute) {
      this.#minute = minute;
      this.#cell = this.#cellOf(minute);
    }
    addTo(this.#cell, value);
  }

  merge(minute: number, other: Readonly<Cell>): void {
    this.cells.set(minute, mergedCell(this.cells.get(minute) ?? emptyCell(), other));
    this.#minute = -1;
  }

  /** In steps of so many minutes, which begin at multiples of it; those without a value are left out. */
  steps(fromMinute: number, toMinute: number, step: number): [minute: number, cell: Cell][] {
    const stepped = new Rollup();
    for (const [minute, cell] of this.cells) {
      if (minute < fromMinute || minute >= toMinute || cell.count === 0) continue;
      stepped.merge(minute - (minute % step), cell);
    }
    return [...stepped.cells].toSorted(([a], [b]) => a - b);
  }

  #cellOf(minute: number): Cell {
    let cell = this.cells.get(minute);
    if (!cell) this.cells.set(minute, (cell = emptyCell()));
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
