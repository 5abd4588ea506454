/** What both versions of remote write say, in one form. Times are milliseconds since 1970; a start of 0 is unknown. */

import type {
  Histogram_ResetHint as ResetHint,
  MetricMetadata_MetricType as TypeNumber,
} from "@glassline/proto/prometheus/remote";

export interface Label {
  name: string;
  value: string;
}

export const METRIC_NAME = "__name__";

/** By their numbers in both versions, and in the words of `prometheus.type`. */
export const METRIC_TYPES = [
  "unknown",
  "counter",
  "gauge",
  "histogram",
  "gaugehistogram",
  "summary",
  "info",
  "stateset",
] as const;
export type MetricType = (typeof METRIC_TYPES)[number];

export const typeNumber = (type: MetricType) => METRIC_TYPES.indexOf(type) as TypeNumber;

export interface Metadata {
  type: MetricType;
  help: string;
  unit: string;
}

export interface Sample {
  timestampMs: bigint;
  startMs: bigint;
  /** undefined: the stale marker. */
  value: number | undefined;
}

export interface Exemplar {
  labels: Label[];
  timestampMs: bigint;
  value: number;
}

/** A count: a bigint of a histogram of whole numbers, a number of one of doubles. */
export type Count = bigint | number;

export interface Buckets {
  spans: { offset: number; length: number }[];
  /** One for each bucket of the spans, not added up. */
  counts: Count[];
}

export const RESET_HINT_GAUGE = 3;

/** Source: https://prometheus.io/docs/specs/native_histograms/ */
export interface NativeHistogram {
  timestampMs: bigint;
  startMs: bigint;
  schema: number;
  count: Count;
  /** undefined: the stale marker. */
  sum: number | undefined;
  zeroThreshold: number;
  zeroCount: Count;
  negative: Buckets;
  positive: Buckets;
  /** Upper bounds, of schema -53. */
  customValues: number[];
  resetHint: ResetHint;
}

export interface Series {
  /** Sorted by name; one of them is the metric's name. */
  labels: Label[];
  samples: Sample[];
  histograms: NativeHistogram[];
  exemplars: Exemplar[];
  metadata: Metadata;
}

export const UNKNOWN_METADATA: Metadata = { type: "unknown", help: "", unit: "" };
