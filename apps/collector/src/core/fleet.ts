/** What is known of every camera: its facts, its series with their newest points, and whether it is well. */
import type { CameraFacts, Series } from "@glassline/otqmn/sample";
import { ATTRIBUTES_MAX } from "@glassline/otqmn/sample";
import { METRIC_CAMERA_STATUS, METRICS } from "@glassline/telemetry/conventions";

import type { Catalogue } from "./catalogue.ts";
import { PointsUnderWay } from "./points-under-way.ts";
import type { Points } from "./points.ts";
import type { ProducerState } from "./producers.ts";
import type { RecordPoints } from "./record-reader.ts";
import { RecordSlots } from "./record-slots.ts";
import { RecentPoints } from "./recent-points.ts";
import type { CameraState, TableLimits } from "./series-table.ts";
import type { Cell } from "./rollup.ts";
import { addTo, emptyCell, mergedCell } from "./rollup.ts";
import { NO_MORE, SeriesTable } from "./series-table.ts";
import type { NotShownReason, SlottedPoints } from "./slotted-points.ts";
import { NOT_SHOWN_REASONS, NO_SLOT } from "./slotted-points.ts";

export type Health = { state: "live" } | { state: "fault" | "silent"; reason: string };

const LIVE: Health = { state: "live" };

export interface FleetLimits extends TableLimits {
  recentWindowMs: number;
  recentMaxBytes: number;
  silenceLimitMs: number;
  /** A camera that is silent for longer is forgotten; its points stay in the log and in blocks. */
  forgetAfterMs: number;
}

/** A series of a camera that lives is forgotten when nothing has come for so long. */
const SERIES_IDLE_S = 86_400;
const FORGET_INTERVAL_MS = 60_000;
/** A segment of the log is closed when its points take this share of the memory, so that they can go when it is in a block. */
const SEGMENT_SHARE = 1 / 6;
const BYTES_PER_POINT = 13;

/** No camera's number. */
/** Of the higher word of a time: what it counts, and how far ahead of ours a clock may be, about 5 minutes. */
const HIGH_WORD_MS = 4_294.967296;
const FUTURE_HIGH_WORDS = 70;
const NOT_SEEN = -1;
const FORGOTTEN = NOT_SHOWN_REASONS.indexOf("forgotten");

/** The least value of camera.status that is a fault. */
const STATUS_FAULT = 2;

export class Fleet {
  readonly #limits: FleetLimits;
  readonly table: SeriesTable;
  readonly recent = new RecentPoints();
  readonly underWay = new PointsUnderWay();
  readonly #records: RecordSlots = new RecordSlots(this);
  /** The one that was found last. */
  #fault = { status: STATUS_FAULT, health: faultOf(STATUS_FAULT) };
  #nextIndex = 0;
  #forgotMs = 0;
  /** Points that are stored in the log, but not shown, by the index of the reason. */
  readonly #notShown = new Float64Array(NOT_SHOWN_REASONS.length);

  constructor(limits: FleetLimits) {
    this.#limits = limits;
    this.table = new SeriesTable(limits);
  }

  get cameras(): ReadonlyMap<string, CameraState> {
    return this.table.cameras;
  }

  /** Those that send here, or to nobody. */
  get camerasHere(): CameraState[] {
    return [...this.cameras.values()].filter(({ isElsewhere }) => !isElsewhere);
  }

  /** Points that are stored in the log, but not shown. */
  notShown(reason: NotShownReason): number {
    return this.#notShown[NOT_SHOWN_REASONS.indexOf(reason)]!;
  }

  slotsOf(series: readonly Series[], receivedMs: number): Uint32Array {
    return Uint32Array.from(series, (one) =>
      this.table.slotOf(one, receivedMs, this.recent.firstIndex),
    );
  }

  /** @param index of the record in the log. */
  addRecord(index: number, points: RecordPoints, receivedMs: number, by?: ProducerState): void {
    this.addFacts(points.cameras, receivedMs);
    const slotted = this.#records.points(points, receivedMs);
    if (by) this.cameBy(by, slotted);
    else this.#came(slotted);
    this.add(index, slotted, receivedMs);
  }

  addFacts(cameras: readonly CameraFacts[], receivedMs: number): void {
    for (const { cameraId, attributes } of cameras) {
      const camera = this.table.camera(cameraId, receivedMs);
      if (!camera) continue;
      addAttributes(camera, attributes);
      camera.lastReceivedMs = Math.max(camera.lastReceivedMs, receivedMs);
    }
  }

  add(index: number, points: SlottedPoints, receivedMs: number): void {
    this.#nextIndex = Math.max(this.#nextIndex, index + 1);
    this.recent.add(index, points, receivedMs);
    this.#follow(points, receivedMs);
  }

  /** The cameras of the points are reached through this producer now. A group is one camera's, as a rule. */
  cameBy(producer: ProducerState, { slots, groupEnd }: SlottedPoints): void {
    for (const end of groupEnd) {
      const camera = this.table.cameraOfSlot(slots[end - 1]!);
      if (!camera || (camera.via === producer && !camera.isElsewhere)) continue;
      camera.via = producer;
      camera.isElsewhere = false;
    }
  }

  /** By whom is not known: their cameras are here. */
  #came({ slots, groupEnd }: SlottedPoints): void {
    for (const end of groupEnd) {
      const camera = this.table.cameraOfSlot(slots[end - 1]!);
      if (camera?.isElsewhere) camera.isElsewhere = false;
    }
  }

  /** What came by the producer goes to another shard from now on. */
  movedAway(producer: string): void {
    for (const camera of this.cameras.values())
      if (camera.via?.producer === producer) camera.isElsewhere = true;
  }

  /** Knows again what a catalogue says. Its points count as seen, not as history. */
  restore({ bundle, lastReceivedMs }: Catalogue): void {
    for (const { cameraId, attributes } of bundle.cameras) {
      const camera = this.table.camera(cameraId, lastReceivedMs.get(cameraId) ?? 0);
      if (!camera) continue;
      Object.assign(camera.attributes, attributes);
      camera.encodedFacts = undefined;
    }
    const { table } = this;
    const times = new Uint32Array(bundle.timeUnixNano.buffer, bundle.timeUnixNano.byteOffset);
    for (const [at, series] of bundle.series.entries()) {
      const receivedMs = lastReceivedMs.get(series.cameraId) ?? 0;
      const slot = table.slotOf(series, receivedMs, this.recent.firstIndex);
      if (slot >= NO_SLOT || table.lastReceivedS[slot] !== 0) continue;
      table.latestTime.set(times.subarray(2 * at, 2 * at + 2), 2 * slot);
      table.latestValue[slot] = bundle.value[at]!;
      table.lastReceivedS[slot] = Math.max(1, receivedMs / 1_000);
    }
  }

  /** Points in memory of the slots with from <= time < to, in order of arrival. */
  recentPoints(slots: readonly number[], from: bigint, to: bigint): Map<number, Points> {
    return this.recent.range(slots, from, to);
  }

  /** Whether the segment that is written holds so much that it should be closed. */
  get wantsRoll(): boolean {
    const max = (this.#limits.recentMaxBytes * SEGMENT_SHARE) / BYTES_PER_POINT;
    return this.recent.openPoints >= max;
  }

  health(camera: CameraState, nowMs: number): Health {
    return this.healthBy(this.latestOf(camera, METRIC_CAMERA_STATUS), camera.lastReceivedMs, nowMs);
  }

  /** @param status the camera's latest, if there is one. */
  healthBy(status: number | undefined, lastReceivedMs: number, nowMs: number): Health {
    const silentMs = nowMs - lastReceivedMs;
    if (silentMs > this.#limits.silenceLimitMs) {
      return { state: "silent", reason: `nothing has come for ${Math.round(silentMs / 1_000)} s` };
    }
    if (status === undefined || status < STATUS_FAULT) return LIVE;
    if (status !== this.#fault.status) this.#fault = { status, health: faultOf(status) };
    return this.#fault.health;
  }

  /** The latest value of the camera's first series of a metric. */
  latestOf(camera: CameraState, metric: string): number | undefined {
    const { quantityOf, lastReceivedS, latestValue, nextOf } = this.table;
    const marks = this.table.quantitiesOf(metric);
    for (let slot = camera.firstSlot; slot !== NO_MORE; slot = nextOf[slot]!) {
      if (marks[quantityOf[slot]!] === 1)
        return lastReceivedS[slot] === 0 ? undefined : latestValue[slot];
    }
    return undefined;
  }

  /** The latest values over all cameras that are not silent, by metric; NaN does not count. */
  latestByMetric(nowMs: number): Map<string, Cell> {
    const { cameraAt, cameraOf, quantityOf, latestValue, lastReceivedS, slotsEnd } = this.table;
    const silentBeforeMs = nowMs - this.#limits.silenceLimitMs;
    const byQuantity = new Map<number, Cell>();
    for (let slot = 0; slot < slotsEnd; slot++) {
      const camera = cameraAt[cameraOf[slot]!];
      if (!camera || camera.lastReceivedMs < silentBeforeMs || lastReceivedS[slot] === 0) continue;
      const quantity = quantityOf[slot]!;
      let cell = byQuantity.get(quantity);
      if (!cell) byQuantity.set(quantity, (cell = emptyCell()));
      addTo(cell, latestValue[slot]!);
    }
    const byMetric = new Map<string, Cell>();
    for (const [quantity, cell] of byQuantity) {
      const metric = this.table.metricOf(quantity);
      byMetric.set(metric, mergedCell(byMetric.get(metric) ?? emptyCell(), cell));
    }
    return byMetric;
  }

  /** Lets the oldest points go while there are too many. */
  trim(): void {
    while (this.recent.segments.length > 1 && this.recent.bytes > this.#limits.recentMaxBytes)
      this.recent.dropOldest();
  }

  /** Lets half of the points go, the oldest; blocks have them, or will. */
  shed(): void {
    const most = this.recent.bytes / 2;
    while (this.recent.segments.length > 1 && this.recent.bytes > most) this.recent.dropOldest();
  }

  /** Lets points go that are older than the window, or too many, once `isStored` in a block. */
  sweep(nowMs: number, isStored: (firstIndex: number) => boolean): void {
    this.trim();
    while (this.recent.segments.length > 1) {
      const { firstIndex, lastReceivedMs } = this.recent.segments[0]!;
      const isOld = lastReceivedMs < nowMs - this.#limits.recentWindowMs;
      if (!isOld || !isStored(firstIndex)) break;
      this.recent.dropOldest();
    }
    this.#forgetIdle(nowMs);
  }

  /** Every slot's newest point, and when its camera was heard. */
  #follow({ slots, value, groupEnd, groupTime }: SlottedPoints, receivedMs: number): void {
    const { latestTime, latestValue, lastReceivedS, cameraOf, cameraAt } = this.table;
    const seconds = Math.max(1, receivedMs / 1_000);
    const future = receivedMs / HIGH_WORD_MS + FUTURE_HIGH_WORDS;
    let number = NOT_SEEN;
    let at = 0;
    for (let group = 0; group < groupEnd.length; group++) {
      const low = groupTime[2 * group]!;
      const high = groupTime[2 * group + 1]!;
      const end = groupEnd[group]!;
      for (; at < end; at++) {
        const slot = slots[at]!;
        if (slot >= NO_SLOT) {
          this.#notShown[slot - NO_SLOT]!++;
          continue;
        }
        const before = latestTime[2 * slot + 1]!;
        // What was sent by a clock that is ahead is the newest only until something else comes.
        const isNewest =
          high > before ||
          before > future ||
          (high === before && low >= latestTime[2 * slot]!) ||
          lastReceivedS[slot] === 0;
        if (isNewest) {
          latestTime[2 * slot] = low;
          latestTime[2 * slot + 1] = high;
          latestValue[slot] = value[at]!;
        }
        lastReceivedS[slot] = seconds;
        if (cameraOf[slot] !== number) {
          number = cameraOf[slot]!;
          const camera = cameraAt[number];
          // Forgotten though its batch was under way: it is in the log.
          if (!camera) {
            this.#notShown[FORGOTTEN]!++;
            number = NOT_SEEN;
            continue;
          }
          camera.lastReceivedMs = Math.max(camera.lastReceivedMs, receivedMs);
        }
      }
    }
  }

  /** Series that come and go (ids in attributes) would fill the table for ever. A silent camera is news, for a while. */
  #forgetIdle(nowMs: number): void {
    if (nowMs - this.#forgotMs < FORGET_INTERVAL_MS) return;
    this.#forgotMs = nowMs;
    const idleBeforeS = nowMs / 1_000 - SERIES_IDLE_S;
    const isUnderWay = this.underWay.slots(this.table.slotsEnd);
    for (const camera of this.table.cameras.values()) {
      // What came from it while it was here is in blocks: they are asked for it.
      const isGone = camera.isElsewhere && camera.lastReceivedMs <= this.recent.droppedReceivedMs;
      const slots = this.table.slotsOfCamera(camera);
      if (isGone || camera.lastReceivedMs < nowMs - this.#limits.forgetAfterMs) {
        const isComing = slots.some((slot) => isUnderWay[slot] === 1);
        if (!isComing) this.table.forgetCamera(camera, this.#nextIndex);
        continue;
      }
      if (camera.lastReceivedMs / 1_000 < idleBeforeS) continue;
      const idle = slots.filter(
        (slot) => this.table.lastReceivedS[slot]! < idleBeforeS && isUnderWay[slot] === 0,
      );
      for (const slot of idle) this.table.forget(slot, this.#nextIndex);
    }
  }
}

function faultOf(status: number): Health {
  const name = METRICS[METRIC_CAMERA_STATUS]?.values?.[String(status)] ?? String(status);
  return { state: "fault", reason: `the camera reports ${METRIC_CAMERA_STATUS} ${name}` };
}

/** As many as a bundle may tell: those that were told first. */
function addAttributes(camera: CameraState, attributes: Readonly<Record<string, string>>): void {
  let count = Object.keys(camera.attributes).length;
  for (const [key, value] of Object.entries(attributes)) {
    if (camera.attributes[key] === value) continue;
    if (!Object.hasOwn(camera.attributes, key) && ++count > ATTRIBUTES_MAX) continue;
    camera.attributes[key] = value;
    camera.encodedFacts = undefined;
  }
}
