/** From points whose series are in an array that grows to points as the fleet takes them. */
import type { Series } from "@glassline/otqmn/sample";

import type { Fleet } from "./fleet.ts";
import type { RecordPoints } from "./record-reader.ts";
import { SlotMap } from "./slot-map.ts";
import type { SlottedPoints } from "./slotted-points.ts";

export class RecordSlots {
  readonly #fleet: Fleet;
  /** By array: that of a run, or of OTLP's definitions. */
  readonly #maps = new WeakMap<readonly Series[], SlotMap>();

  constructor(fleet: Fleet) {
    this.#fleet = fleet;
  }

  points({ series, column, ...rest }: RecordPoints, receivedMs: number): SlottedPoints {
    let map = this.#maps.get(series);
    if (!map) this.#maps.set(series, (map = new SlotMap(this.#fleet)));
    if (map.isStale) map.clear();
    map.define(series.slice(map.size), receivedMs);
    return { slots: map.slots(column), ...rest };
  }
}
