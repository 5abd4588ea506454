/** The slots of the series of one stream: from a batch as it is read to points as the fleet takes them. */
import type { BundleReader, StreamedBundle } from "@glassline/otqmn/bundle-reader";
import type { Series } from "@glassline/otqmn/sample";

import type { Fleet } from "./fleet.ts";
import type { SlottedPoints } from "./slotted-points.ts";

export class StreamSlots {
  readonly #fleet: Fleet;
  /** By column of the stream. */
  #slotOf = new Uint32Array(64);
  #known = 0;
  #epoch = 0;
  /** A batch has the same columns as the one before, as a rule. */
  #columns: Uint32Array | undefined;
  #slots = new Uint32Array(0);

  constructor(fleet: Fleet) {
    this.#fleet = fleet;
  }

  points(reader: BundleReader, batch: StreamedBundle, receivedMs: number): SlottedPoints {
    const { isAnew, newSeries, points } = batch;
    const isStale = this.#epoch !== this.#fleet.table.epoch;
    if (isAnew || isStale) this.#forget();
    this.#define(isStale ? reader.allSeries() : newSeries, receivedMs);
    if (this.#columns !== points.column) {
      this.#columns = points.column;
      this.#slots = points.column.map((column) => this.#slotOf[column]!);
    }
    return {
      slots: this.#slots,
      value: new Float64Array(points.bits.buffer as ArrayBuffer, 0, points.count),
      groupEnd: points.groupEnd,
      groupTimeUnixNano: points.groupTimeUnixNano,
    };
  }

  #forget(): void {
    [this.#known, this.#epoch, this.#columns] = [0, this.#fleet.table.epoch, undefined];
  }

  #define(series: readonly Series[], receivedMs: number): void {
    const slots = this.#fleet.slotsOf(series, receivedMs);
    const count = this.#known + slots.length;
    if (count > this.#slotOf.length) {
      const grown = new Uint32Array(2 * count);
      grown.set(this.#slotOf);
      this.#slotOf = grown;
    }
    this.#slotOf.set(slots, this.#known);
    this.#known = count;
  }
}
