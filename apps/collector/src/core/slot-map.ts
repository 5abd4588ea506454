/** Slots of series that some source numbers by itself: columns of a stream, or of OTLP requests. */
import type { Series } from "@glassline/otqmn/sample";

import type { Fleet } from "./fleet.ts";

export class SlotMap {
  readonly #fleet: Fleet;
  /** By column. */
  #slotOf = new Uint32Array(16);
  #known = 0;
  #epoch = 0;
  /** The same columns come again and again, as a rule. */
  #columns: Uint32Array | undefined;
  #slots = new Uint32Array(0);

  constructor(fleet: Fleet) {
    this.#fleet = fleet;
  }

  /** How many columns are known. */
  get size(): number {
    return this.#known;
  }

  /** Slots may be those of other series by now: all have to be defined again. */
  get isStale(): boolean {
    return this.#epoch !== this.#fleet.table.epoch;
  }

  clear(): void {
    [this.#known, this.#epoch, this.#columns] = [0, this.#fleet.table.epoch, undefined];
  }

  /** Of the columns that follow. */
  define(series: readonly Series[], receivedMs: number): void {
    if (series.length === 0) return;
    const slots = this.#fleet.slotsOf(series, receivedMs);
    const count = this.#known + slots.length;
    if (count > this.#slotOf.length) {
      // The first batch of a stream defines all that it has, as a rule.
      const grown = new Uint32Array(Math.max(count, 2 * this.#known));
      grown.set(this.#slotOf);
      this.#slotOf = grown;
    }
    this.#slotOf.set(slots, this.#known);
    this.#known = count;
  }

  slots(columns: Uint32Array): Uint32Array {
    if (this.#columns !== columns) {
      const slotOf = this.#slotOf;
      this.#columns = columns;
      this.#slots = new Uint32Array(columns.length);
      for (let at = 0; at < columns.length; at++) this.#slots[at] = slotOf[columns[at]!]!;
    }
    return this.#slots;
  }
}
