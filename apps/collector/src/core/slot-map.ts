/** Slots of series that some source numbers by itself: columns of a stream, or of OTLP requests. */
import type { Series } from "@glassline/otqmn/sample";

import type { Fleet } from "./fleet.ts";

export class SlotMap {
  readonly #fleet: Fleet;
  /** By column. */
  #slotOf = new Uint32Array(0);
  #known = 0;
  #epoch = 0;
  /** The same columns come again and again, as a rule. */
  #columns: Uint32Array | undefined;
  #slots: Uint32Array = new Uint32Array(0);

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
    // Points that are on the way to the disk may have what was there.
    this.#slotOf = new Uint32Array(0);
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
      this.#columns = columns;
      this.#slots = slotsOf(columns, this.#slotOf);
    }
    return this.#slots;
  }
}

/** A view, without memory of its own, where columns follow one another. */
function slotsOf(columns: Uint32Array, slotOf: Uint32Array): Uint32Array {
  const [first = 0] = columns;
  let at = 0;
  while (at < columns.length && columns[at] === first + at) at++;
  if (at === columns.length) return slotOf.subarray(first, first + at);
  const slots = new Uint32Array(columns.length);
  for (at = 0; at < slots.length; at++) slots[at] = slotOf[columns[at]!]!;
  return slots;
}
