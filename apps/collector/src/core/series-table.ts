/**
 * Every series that is known, by slot: a small number under which columns hold what is known of it. Definitions that cameras share
 * (metric, unit, kind, attributes) are held once.
 */
import type { Series } from "@glassline/otqmn/sample";
import { bigintAt } from "@glassline/otqmn/words";

import type { ProducerState } from "./producers.ts";
import { Quantities } from "./quantities.ts";
import { noSlotOf } from "./slotted-points.ts";

export interface CameraState {
  readonly cameraId: string;
  readonly attributes: Record<string, string>;
  lastReceivedMs: number;
  /** The producer that brought a series of it last. */
  via: ProducerState | undefined;
  /** Its producer sends to another shard now: what is known here is of before. */
  isElsewhere: boolean;
  /** In `SeriesTable.cameraAt`. */
  readonly number: number;
  seriesCount: number;
  /** Of its series; others follow by `SeriesTable.nextOf`. None: NO_MORE. */
  firstSlot: number;
  lastSlot: number;
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
/** Of a large fleet, room for as many again would be much. */
const GROWTH = 1.25;
/** In the place of a slot: the camera has no further series. */
export const NO_MORE = -1;
/** What no camera has for a number. */
const NO_CAMERA = 0;

export class SeriesTable {
  readonly #limits: TableLimits;
  readonly cameras = new Map<string, CameraState>();
  readonly #quantities = new Quantities();
  /** Slots from here on were never given. */
  #nextSlot = 0;
  /** Slots of series that were forgotten, with the index of the log from which on no record can hold them. */
  readonly #free: { slot: number; index: number }[] = [];
  #seriesCount = 0;
  /** By number; the first is none's. */
  readonly cameraAt: (CameraState | undefined)[] = [undefined];
  readonly #freeNumbers: number[] = [];
  /** By slot: the number of its camera. Those of forgotten series have that of none. */
  cameraOf = new Uint32Array(FIRST_SLOTS);
  /** By slot: the next one of its camera. */
  nextOf = new Int32Array(FIRST_SLOTS);
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

  /** Beyond all slots that were ever given. */
  get slotsEnd(): number {
    return this.#nextSlot;
  }

  /** Undefined for one that was forgotten. */
  cameraOfSlot(slot: number): CameraState | undefined {
    return this.cameraAt[this.cameraOf[slot] ?? NO_CAMERA];
  }

  series(slot: number): Series {
    const { cameraId } = this.cameraOfSlot(slot)!;
    return { cameraId, ...this.#quantities.get(this.quantityOf[slot]!) };
  }

  /** In the order in which its series came first. */
  slotsOfCamera({ firstSlot }: CameraState): number[] {
    const slots: number[] = [];
    for (let slot = firstSlot; slot !== NO_MORE; slot = this.nextOf[slot]!) slots.push(slot);
    return slots;
  }

  /** Undefined when there are too many. */
  camera(cameraId: string, receivedMs: number): CameraState | undefined {
    let camera = this.cameras.get(cameraId);
    if (!camera) {
      if (this.cameras.size >= this.#limits.camerasMax) return undefined;
      const number = this.#freeNumbers.pop() ?? this.cameraAt.length;
      camera = newCamera(cameraId, number, receivedMs);
      this.cameraAt[number] = camera;
      this.cameras.set(cameraId, camera);
    }
    return camera;
  }

  /** The slot of a series, or what says that there are too many. @param firstIndex of the records that memory holds. */
  slotOf(series: Series, receivedMs: number, firstIndex: number): number {
    const camera = this.camera(series.cameraId, receivedMs);
    if (!camera) return noSlotOf("cameras");
    const quantity = this.#quantities.find(series);
    if (quantity !== undefined)
      for (let slot = camera.firstSlot; slot !== NO_MORE; slot = this.nextOf[slot]!)
        if (this.quantityOf[slot] === quantity) return slot;
    if (camera.seriesCount >= this.#limits.seriesMaxPerCamera) return noSlotOf("series_of_camera");
    if (this.#seriesCount >= this.#limits.seriesMax) return noSlotOf("series");
    const slot = this.#newSlot(firstIndex);
    this.#append(slot, camera);
    this.quantityOf[slot] = this.#quantities.take(series);
    this.lastReceivedS[slot] = 0;
    this.#seriesCount++;
    return slot;
  }

  /** @param nextIndex records from here on do not hold it. */
  forget(slot: number, nextIndex: number): void {
    this.#remove(slot, this.cameraOfSlot(slot)!);
    this.#quantities.release(this.quantityOf[slot]!);
    this.#free.push({ slot, index: nextIndex });
    this.#seriesCount--;
    this.epoch++;
  }

  forgetCamera(camera: CameraState, nextIndex: number): void {
    for (const slot of this.slotsOfCamera(camera)) this.forget(slot, nextIndex);
    this.cameras.delete(camera.cameraId);
    this.cameraAt[camera.number] = undefined;
    this.#freeNumbers.push(camera.number);
  }

  latest(slot: number): { timeUnixNano: bigint; value: number } | undefined {
    if (this.lastReceivedS[slot] === 0) return undefined;
    return { timeUnixNano: bigintAt(this.latestTime, slot), value: this.latestValue[slot]! };
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
    const ofMetric = new Uint8Array(this.#nextSlot);
    for (let slot = 0; slot < ofMetric.length; slot++)
      if (cameraOf[slot] !== NO_CAMERA) ofMetric[slot] = marks[quantityOf[slot]!]!;
    return ofMetric;
  }

  #append(slot: number, camera: CameraState): void {
    if (camera.firstSlot === NO_MORE) camera.firstSlot = slot;
    else this.nextOf[camera.lastSlot] = slot;
    camera.lastSlot = slot;
    camera.seriesCount++;
    this.nextOf[slot] = NO_MORE;
    this.cameraOf[slot] = camera.number;
  }

  #remove(slot: number, camera: CameraState): void {
    let before = NO_MORE;
    for (let at = camera.firstSlot; at !== slot; at = this.nextOf[at]!) before = at;
    if (before === NO_MORE) camera.firstSlot = this.nextOf[slot]!;
    else this.nextOf[before] = this.nextOf[slot]!;
    if (camera.lastSlot === slot) camera.lastSlot = before;
    camera.seriesCount--;
    this.cameraOf[slot] = NO_CAMERA;
  }

  #newSlot(firstIndex: number): number {
    if (this.#free[0] && this.#free[0].index <= firstIndex) return this.#free.shift()!.slot;
    const slot = this.#nextSlot++;
    if (slot === this.quantityOf.length) this.#grow(Math.ceil(GROWTH * slot));
    return slot;
  }

  #grow(slots: number): void {
    const grown = <T extends Float64Array | Int32Array | Uint32Array>(to: T, from: T): T => (
      to.set(from),
      to
    );
    this.cameraOf = grown(new Uint32Array(slots), this.cameraOf);
    this.nextOf = grown(new Int32Array(slots), this.nextOf);
    this.quantityOf = grown(new Uint32Array(slots), this.quantityOf);
    this.latestValue = grown(new Float64Array(slots), this.latestValue);
    this.latestTime = grown(new Uint32Array(2 * slots), this.latestTime);
    this.lastReceivedS = grown(new Uint32Array(slots), this.lastReceivedS);
  }
}

/** All fields are there from the beginning: those that come later take memory of their own. */
function newCamera(cameraId: string, number: number, receivedMs: number): CameraState {
  return {
    cameraId,
    attributes: {},
    lastReceivedMs: receivedMs,
    via: undefined,
    isElsewhere: false,
    number,
    seriesCount: 0,
    firstSlot: NO_MORE,
    lastSlot: NO_MORE,
    encodedFacts: undefined,
  };
}
