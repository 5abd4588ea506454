/** Points that are read and not durable yet. Their series must stay: nothing has come of a new one, and its slot may be another's by the time they come. */
import type { SlottedPoints } from "./slotted-points.ts";
import { NO_SLOT } from "./slotted-points.ts";

export class PointsUnderWay {
  readonly #batches = new Set<SlottedPoints>();

  add(batch: SlottedPoints): void {
    this.#batches.add(batch);
  }

  /** The batch is durable and shown, or was refused. */
  delete(batch: SlottedPoints): void {
    this.#batches.delete(batch);
  }

  /** By slot: 1 where points of the series are under way. @param slotsEnd beyond all slots. */
  slots(slotsEnd: number): Uint8Array {
    const marks = new Uint8Array(slotsEnd);
    for (const { slots } of this.#batches)
      for (const slot of slots) if (slot < NO_SLOT) marks[slot] = 1;
    return marks;
  }
}
