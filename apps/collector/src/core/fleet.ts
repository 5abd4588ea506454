/** What is known of every camera: its facts, its series with their recent points, and whether it is well. */
import type { Bundle, Series } from "@glassline/otqmn/sample";
import { seriesId } from "@glassline/otqmn/sample";
import { METRIC_CAMERA_STATUS, METRICS } from "@glassline/telemetry/conventions";

import type { Catalogue } from "./catalogue.ts";
import { BYTES_PER_POINT, RecentPoints } from "./recent-points.ts";

export interface SeriesState {
  series: Series;
  points: RecentPoints;
}

export interface CameraState {
  cameraId: string;
  attributes: Record<string, string>;
  lastReceivedMs: number;
  /** By the text that `seriesId` gives. */
  series: Map<string, SeriesState>;
  byMetric: Map<string, SeriesState[]>;
}

export type Health = { state: "live" } | { state: "fault" | "silent"; reason: string };

export interface FleetLimits {
  recentWindowMs: number;
  recentMaxBytes: number;
  silenceLimitMs: number;
  seriesMaxPerCamera: number;
  /** Of all cameras together. */
  seriesMax: number;
  camerasMax: number;
}

const WINDOW_SHRINKS = 0.9;
const WINDOW_GROWS = 1.02;
const WINDOW_LEAST_MS = 1_000;
/** A series of a camera that lives is forgotten when nothing has come for so long. */
const SERIES_IDLE_MS = 86_400_000;
const FORGET_INTERVAL_MS = 60_000;

/** The least value of camera.status that is a fault. */
const STATUS_FAULT = 2;

export class Fleet {
  readonly #limits: FleetLimits;
  readonly #cameras = new Map<string, CameraState>();
  #seriesCount = 0;
  /** Age of the points that are kept at present. */
  #windowMs: number;
  #forgotMs = 0;
  /** Points of series or cameras beyond the limits: stored in the log, but not shown. */
  unindexedPoints = 0;
  /** Points before this time may be in the log only: a start reads just the log's end. */
  completeFromUnixNano = 0n;

  constructor(limits: FleetLimits) {
    this.#limits = limits;
    this.#windowMs = limits.recentWindowMs;
  }

  get cameras(): ReadonlyMap<string, CameraState> {
    return this.#cameras;
  }

  get seriesCount(): number {
    return this.#seriesCount;
  }

  add(bundle: Bundle, receivedMs: number): void {
    for (const { cameraId, attributes } of bundle.cameras) {
      const camera = this.#camera(cameraId, receivedMs);
      if (camera) Object.assign(camera.attributes, attributes);
    }
    const states = bundle.series.map((series) => this.#series(series, receivedMs));
    for (const [point, index] of bundle.seriesIndex.entries()) {
      const state = states[index];
      if (state)
        state.points.append(
          BigInt.asIntN(64, bundle.timeUnixNano[point]!),
          bundle.value[point]!,
          receivedMs,
        );
      else this.unindexedPoints++;
    }
  }

  /** Knows again what a catalogue says. Its points count as seen, not as history. */
  restore({ bundle, lastReceivedMs }: Catalogue): void {
    for (const { cameraId, attributes } of bundle.cameras) {
      const camera = this.#camera(cameraId, lastReceivedMs.get(cameraId) ?? 0);
      if (camera) Object.assign(camera.attributes, attributes);
    }
    for (const [at, series] of bundle.series.entries()) {
      const receivedMs = lastReceivedMs.get(series.cameraId) ?? 0;
      const latest = {
        timeUnixNano: BigInt.asIntN(64, bundle.timeUnixNano[at]!),
        value: bundle.value[at]!,
      };
      this.#series(series, receivedMs)?.points.remember(latest, receivedMs);
    }
  }

  health(camera: CameraState, nowMs: number): Health {
    const silentMs = nowMs - camera.lastReceivedMs;
    if (silentMs > this.#limits.silenceLimitMs) {
      return { state: "silent", reason: `nothing has come for ${Math.round(silentMs / 1_000)} s` };
    }
    const status = camera.byMetric.get(METRIC_CAMERA_STATUS)?.[0]?.points.latest?.value;
    if (status === undefined || status < STATUS_FAULT) return { state: "live" };
    const name = METRICS[METRIC_CAMERA_STATUS]?.values?.[String(status)] ?? String(status);
    return { state: "fault", reason: `the camera reports ${METRIC_CAMERA_STATUS} ${name}` };
  }

  /** Drops points older than the window, and shortens the window until the memory fits. */
  sweep(nowMs: number): void {
    this.#dropBefore(nowMs - this.#windowMs);
    const isTight = this.recentBytes > this.#limits.recentMaxBytes;
    // A step a sweep: the window finds its length within some seconds and grows back when there is room.
    const wanted = this.#windowMs * (isTight ? WINDOW_SHRINKS : WINDOW_GROWS);
    this.#windowMs = Math.min(this.#limits.recentWindowMs, Math.max(WINDOW_LEAST_MS, wanted));
    this.#forgetIdle(nowMs);
  }

  get recentBytes(): number {
    let points = 0;
    for (const camera of this.#cameras.values()) {
      for (const { points: recent } of camera.series.values()) points += recent.capacity;
    }
    return points * BYTES_PER_POINT;
  }

  /** Series that come and go (ids in attributes) would fill the index for ever. Cameras stay: a silent one is news. */
  #forgetIdle(nowMs: number): void {
    if (nowMs - this.#forgotMs < FORGET_INTERVAL_MS) return;
    this.#forgotMs = nowMs;
    for (const camera of this.#cameras.values()) {
      if (nowMs - camera.lastReceivedMs > SERIES_IDLE_MS) continue;
      for (const [id, { series, points }] of camera.series) {
        if (nowMs - points.lastReceivedMs < SERIES_IDLE_MS) continue;
        camera.series.delete(id);
        const rest = (camera.byMetric.get(series.metric) ?? []).filter(
          (state) => state.series !== series,
        );
        camera.byMetric.set(series.metric, rest);
        this.#seriesCount--;
      }
    }
  }

  #dropBefore(receivedMs: number): void {
    for (const camera of this.#cameras.values()) {
      for (const { points } of camera.series.values()) points.dropBefore(receivedMs);
    }
  }

  #camera(cameraId: string, receivedMs: number): CameraState | undefined {
    let camera = this.#cameras.get(cameraId);
    if (!camera) {
      if (this.#cameras.size >= this.#limits.camerasMax) return undefined;
      camera = {
        cameraId,
        attributes: {},
        lastReceivedMs: receivedMs,
        series: new Map(),
        byMetric: new Map(),
      };
      this.#cameras.set(cameraId, camera);
    }
    camera.lastReceivedMs = Math.max(camera.lastReceivedMs, receivedMs);
    return camera;
  }

  #series(series: Series, receivedMs: number): SeriesState | undefined {
    const camera = this.#camera(series.cameraId, receivedMs);
    if (!camera) return undefined;
    const id = seriesId(series);
    let state = camera.series.get(id);
    if (!state) {
      const isFull = camera.series.size >= this.#limits.seriesMaxPerCamera;
      if (isFull || this.#seriesCount >= this.#limits.seriesMax) return undefined;
      state = { series, points: new RecentPoints(this.completeFromUnixNano) };
      camera.series.set(id, state);
      camera.byMetric.set(series.metric, [...(camera.byMetric.get(series.metric) ?? []), state]);
      this.#seriesCount++;
    }
    return state;
  }
}
