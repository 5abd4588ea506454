/** From points whose series have numbers of their own to points as the fleet takes them. */
import type { Fleet } from "./fleet.ts";
import type { RecordPoints } from "./record-reader.ts";
import type { SeriesByNumber } from "./run-series.ts";
import { SlotMap } from "./slot-map.ts";
import type { SlottedPoints } from "./slotted-points.ts";

export class RecordSlots {
  readonly #fleet: Fleet;
  /** By the series of a run, or those of OTLP's definitions. */
  readonly #maps = new WeakMap<SeriesByNumber, SlotMap>();

  constructor(fleet: Fleet) {
    this.#fleet = fleet;
  }

  points({ series, column, ...rest }: RecordPoints, receivedMs: number): SlottedPoints {
    let map = this.#maps.get(series);
    if (!map) this.#maps.set(series, (map = new SlotMap(this.#fleet)));
    if (map.isStale) map.clear();
    const known = map.size;
    const news = Array.from({ length: series.length - known }, (_, at) => series.at(known + at)!);
    map.define(news, receivedMs);
    return { slots: map.slots(column), ...rest };
  }
}
