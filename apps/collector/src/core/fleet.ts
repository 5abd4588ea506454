/** What is known of every camera: its facts, its series with their recent points, and whether it is well. */
import type { Bundle, Series } from "@glassline/otqmn/sample";
import { seriesId } from "@glassline/otqmn/sample";
import { METRIC_CAMERA_STATUS, METRICS } from "@glassline/telemetry/conventions";

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
  camerasMax: number;
}

/** The least value of camera.status that is a fault. */
const STATUS_FAULT = 2;

export class Fleet {
  readonly #limits: FleetLimits;
  readonly #cameras = new Map<string, CameraState>();
  #seriesCount = 0;
  /** Points of series or cameras beyond the limits: stored in the log, but not shown. */
  unindexedPoints = 0;
  /** Points before this time may be in the log only: a start reads just the log's end. */
  completeFromUnixNano = 0n;

  constructor(limits: FleetLimits) {
    this.#limits = limits;
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
    let windowMs = this.#limits.recentWindowMs;
    this.#dropBefore(nowMs - windowMs);
    while (this.recentBytes > this.#limits.recentMaxBytes && windowMs > 1_000) {
      windowMs *= 0.8;
      this.#dropBefore(nowMs - windowMs);
    }
  }

  get recentBytes(): number {
    let points = 0;
    for (const camera of this.#cameras.values()) {
      for (const { points: recent } of camera.series.values()) points += recent.capacity;
    }
    return points * BYTES_PER_POINT;
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
      if (camera.series.size >= this.#limits.seriesMaxPerCamera) return undefined;
      state = { series, points: new RecentPoints(this.completeFromUnixNano) };
      camera.series.set(id, state);
      camera.byMetric.set(series.metric, [...(camera.byMetric.get(series.metric) ?? []), state]);
      this.#seriesCount++;
    }
    return state;
  }
}
