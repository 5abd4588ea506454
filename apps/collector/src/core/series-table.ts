/**
 * Every series that is known, by slot: a small number under which columns hold what is known of it. Definitions that cameras share
 * (metric, unit, kind, attributes) are held once.
 */
import type { Series } from "@glassline/otqmn/sample";

import type { ProducerState } from "./producers.ts";
import { Quantities } from "./quantities.ts";
import { noSlotOf } from "./slotted-points.ts";

export interface CameraState {
  readonly cameraId: string;
  readonly attributes: Record<string, string>;
  lastReceivedMs: number;
  /** The producer that brought a series of it last. */
  via?: ProducerState;
  /** Its producer sends to another shard now: what is known here is of before. */
  isElsewhere?: boolean;
  /** Of its series. */
  readonly slots: number[];
  /** Id and attributes as core/camera-list.ts writes them, until they change. */
  encodedFacts: Uint8Array | undefined;
}

export interface TableLimits {
  seriesMaxPerCamera: number;
  /** Of all cameras together. */
  seriesMax: number;
  camerasMax: number;
}

const FIRST_SLOTS = 1_024;

export class SeriesTable {
  readonly #limits: TableLimits;
  readonly cameras = new Map<string, CameraState>();
  readonly #quantities = new Quantities();
  /** Slots from here on were never given. */
  #nextSlot = 0;
  /** Slots of series that were forgotten, with the index of the log from which on no record can hold them. */
  readonly #free: { slot: number; index: number }[] = [];
  #seriesCount = 0;
  /** By slot. Those of forgotten series have no camera. */
  readonly cameraOf: (CameraState | undefined)[] = [];
  quantityOf = new Uint32Array(FIRST_SLOTS);
  latestValue = new Float64Array(FIRST_SLOTS);
  /** Two words of nanoseconds a slot, least first. */
  latestTime = new Uint32Array(2 * FIRST_SLOTS);
  /** Seconds since 1970; 0 when nothing has come. */
  lastReceivedS = new Uint32Array(FIRST_SLOTS);
  /** Grows when slots may have become those of other series. */
  epoch = 0;

  constructor(limits: TableLimits) {
    this.#limits = limits;
  }

  get seriesCount(): number {
    return this.#seriesCount;
  }

  series(slot: number): Series {
    return {
      cameraId: this.cameraOf[slot]!.cameraId,
      ...this.#quantities.get(this.quantityOf[slot]!),
    };
  }

  /** Undefined when there are too many. */
  camera(cameraId: string, receivedMs: number): CameraState | undefined {
    let camera = this.cameras.get(cameraId);
    if (!camera) {
      if (this.cameras.size >= this.#limits.camerasMax) return undefined;
      camera = {
        cameraId,
        attributes: {},
        lastReceivedMs: receivedMs,
        slots: [],
        encodedFacts: undefined,
      };
      this.cameras.set(cameraId, camera);
    }
    return camera;
  }

  /** The slot of a series, or what says that there are too many. @param firstIndex of the records that memory holds. */
  slotOf(series: Series, receivedMs: number, firstIndex: number): number {
    const camera = this.camera(series.cameraId, receivedMs);
    if (!camera) return noSlotOf("cameras");
    const quantity = this.#quantities.find(series);
    const known = camera.slots.find((slot) => this.quantityOf[slot] === quantity);
    if (known !== undefined) return known;
    if (camera.slots.length >= this.#limits.seriesMaxPerCamera) return noSlotOf("series_of_camera");
    if (this.#seriesCount >= this.#limits.seriesMax) return noSlotOf("series");
    const slot = this.#newSlot(firstIndex);
    camera.slots.push(slot);
    this.cameraOf[slot] = camera;
    this.quantityOf[slot] = this.#quantities.take(series);
    this.lastReceivedS[slot] = 0;
    this.#seriesCount++;
    return slot;
  }

  /** @param nextIndex records from here on do not hold it. */
  forget(slot: number, nextIndex: number): void {
    const camera = this.cameraOf[slot]!;
    camera.slots.splice(camera.slots.indexOf(slot), 1);
    this.cameraOf[slot] = undefined;
    this.#quantities.release(this.quantityOf[slot]!);
    this.#free.push({ slot, index: nextIndex });
    this.#seriesCount--;
    this.epoch++;
  }

  forgetCamera(camera: CameraState, nextIndex: number): void {
    for (const slot of camera.slots.slice()) this.forget(slot, nextIndex);
    this.cameras.delete(camera.cameraId);
  }

  latest(slot: number): { timeUnixNano: bigint; value: number } | undefined {
    if (this.lastReceivedS[slot] === 0) return undefined;
    const high = BigInt(this.latestTime[2 * slot + 1]!);
    const timeUnixNano = (high << 32n) | BigInt(this.latestTime[2 * slot]!);
    return { timeUnixNano, value: this.latestValue[slot]! };
  }

  /** By quantity: 1 where it is of that metric. */
  quantitiesOf(metric: string): Uint8Array {
    return this.#quantities.ofMetric(metric);
  }

  metricOf(quantity: number): string {
    return this.#quantities.get(quantity).metric;
  }

  /** By slot: 1 where the series is of that metric. */
  slotsOfMetric(metric: string): Uint8Array {
    const marks = this.quantitiesOf(metric);
    const { cameraOf, quantityOf } = this;
    return Uint8Array.from(cameraOf, (camera, slot) => (camera ? marks[quantityOf[slot]!]! : 0));
  }

  #newSlot(firstIndex: number): number {
    if (this.#free[0] && this.#free[0].index <= firstIndex) return this.#free.shift()!.slot;
    const slot = this.#nextSlot++;
    if (slot === this.quantityOf.length) this.#grow(2 * slot);
    return slot;
  }

  #grow(slots: number): void {
    const grown = <T extends Float64Array | Uint32Array>(to: T, from: T): T => (to.set(from), to);
    this.quantityOf = grown(new Uint32Array(slots), this.quantityOf);
    this.latestValue = grown(new Float64Array(slots), this.latestValue);
    this.latestTime = grown(new Uint32Array(2 * slots), this.latestTime);
    this.lastReceivedS = grown(new Uint32Array(slots), this.lastReceivedS);
  }
}
