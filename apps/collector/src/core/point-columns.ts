/** Points that come one by one, as columns; those of one time that stand together are a group. */
import type { RecordPoints } from "./record-reader.ts";

type Columns = Pick<RecordPoints, "column" | "value" | "groupEnd" | "groupTime">;

export class PointColumns {
  #column = new Uint32Array(1_024);
  #value = new Float64Array(1_024);
  #groupEnd = new Uint32Array(256);
  /** Two words a group, least first. */
  #groupTime = new Uint32Array(512);
  #count = 0;
  #groups = 0;

  clear(): void {
    [this.#count, this.#groups] = [0, 0];
  }

  add(column: number, value: number, low: number, high: number): void {
    const at = this.#count++;
    if (at === this.#column.length) this.#growPoints();
    this.#column[at] = column;
    this.#value[at] = value;
    const last = 2 * this.#groups - 2;
    if (this.#groups === 0 || this.#groupTime[last] !== low || this.#groupTime[last + 1] !== high) {
      if (this.#groups === this.#groupEnd.length) this.#growGroups();
      this.#groupTime[last + 2] = low;
      this.#groupTime[last + 3] = high;
      this.#groups++;
    }
    this.#groupEnd[this.#groups - 1] = this.#count;
  }

  /** A copy. */
  taken(): Columns {
    return {
      column: this.#column.slice(0, this.#count),
      value: this.#value.slice(0, this.#count),
      groupEnd: this.#groupEnd.slice(0, this.#groups),
      groupTime: this.#groupTime.slice(0, 2 * this.#groups),
    };
  }

  #growPoints(): void {
    const [column, value] = [this.#column, this.#value];
    this.#column = new Uint32Array(2 * column.length);
    this.#column.set(column);
    this.#value = new Float64Array(2 * value.length);
    this.#value.set(value);
  }

  #growGroups(): void {
    const [end, time] = [this.#groupEnd, this.#groupTime];
    this.#groupEnd = new Uint32Array(2 * end.length);
    this.#groupEnd.set(end);
    this.#groupTime = new Uint32Array(2 * time.length);
    this.#groupTime.set(time);
  }
}
