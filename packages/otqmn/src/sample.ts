/** What is measured, and how samples of many cameras travel together. */

export const SERIES_KINDS = ["gauge", "counter", "state"] as const;

export type SeriesKind = (typeof SERIES_KINDS)[number];

/** Of a text in a bundle, and of a camera's or a series' attributes. */
export const TEXT_MAX_BYTES = 4_096;
export const ATTRIBUTES_MAX = 64;
/** OTQMN's form of a W3C trace context. */
export const TRACE_CONTEXT_BYTES = 29;

/** One measured quantity of one camera. */
export interface Series {
  cameraId: string;
  /** Name from the camera.* convention. */
  metric: string;
  /** UCUM. */
  unit: string;
  kind: SeriesKind;
  /** What tells apart series of one metric, sorted by key. */
  attributes: Readonly<Record<string, string>>;
}

/** Facts about a camera, e.g. {"device.model.name": "HERO5"}. */
export interface CameraFacts {
  cameraId: string;
  attributes: Readonly<Record<string, string>>;
}

/**
 * Samples of many cameras, cut once by the gateway and never cut again. Columns of equal length: sample i is
 * series[seriesIndex[i]] at timeUnixNano[i] with value[i].
 */
export interface Bundle {
  series: readonly Series[];
  seriesIndex: Uint32Array;
  timeUnixNano: BigUint64Array;
  value: Float64Array;
  cameras: readonly CameraFacts[];
  /** Creation contexts of the sampled reports, 29 bytes each. */
  traceContexts: readonly Uint8Array[];
}

export const EMPTY_BUNDLE: Bundle = {
  series: [],
  seriesIndex: new Uint32Array(0),
  timeUnixNano: new BigUint64Array(0),
  value: new Float64Array(0),
  cameras: [],
  traceContexts: [],
};

/** A text that is equal for equal series only. */
export function seriesId({
  cameraId,
  metric,
  attributes,
}: Pick<Series, "cameraId" | "metric" | "attributes">): string {
  return JSON.stringify([
    cameraId,
    metric,
    ...Object.entries(attributes)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .flat(),
  ]);
}
