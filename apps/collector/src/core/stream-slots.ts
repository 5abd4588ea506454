/** From batches of one stream, as they are read, to points as the fleet takes them. */
import type { BundleReader, StreamedBundle } from "@glassline/otqmn/bundle-reader";

import type { Fleet } from "./fleet.ts";
import { SlotMap } from "./slot-map.ts";
import type { SlottedPoints } from "./slotted-points.ts";

export class StreamSlots {
  readonly #slots: SlotMap;

  constructor(fleet: Fleet) {
    this.#slots = new SlotMap(fleet);
  }

  points(reader: BundleReader, batch: StreamedBundle, receivedMs: number): SlottedPoints {
    const { isAnew, newSeries, points } = batch;
    const { isStale } = this.#slots;
    if (isAnew || isStale) this.#slots.clear();
    this.#slots.define(isStale ? reader.allSeries() : newSeries, receivedMs);
    return {
      slots: this.#slots.slots(points.column),
      value: points.floats,
      groupEnd: points.groupEnd,
      groupTime: points.groupTime,
    };
  }
}
