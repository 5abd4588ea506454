/**
 * OTLP's histograms and summaries as series, exponential histograms as native ones.
 * Source: https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/#histograms-1
 */
import type { KeyValue } from "@glassline/proto/otlp/common";
import type {
  Exemplar as OtlpExemplar,
  ExponentialHistogramDataPoint,
  ExponentialHistogramDataPoint_Buckets as OtlpBuckets,
  HistogramDataPoint,
  SummaryDataPoint,
} from "@glassline/proto/otlp/metrics";

import { labelsOf } from "./attributes.ts";
import type { MetricContext } from "./from-otlp.ts";
import { sortLabels } from "./labels.ts";
import { NO_RECORDED_VALUE } from "./points.ts";
import { Rejection } from "./rejections.ts";
import type { Buckets, Exemplar, Label, NativeHistogram } from "./series.ts";
import { millisOf } from "./series-table.ts";

const SCHEMA_MIN = -4;
const SCHEMA_MAX = 8;
/** After so many each index, of 32 bits, is 0 or -1. */
const HALVINGS_MAX = 33;
/** What OTLP's 0 stands for: no threshold was said. */
const ZERO_THRESHOLD_DEFAULT = 1e-128;

export function exemplarsOf(exemplars: readonly OtlpExemplar[]): Exemplar[] {
  return exemplars.flatMap(({ value, timeUnixNano, traceId, spanId, filteredAttributes }) => {
    if (value.case === undefined) return [];
    const ids = [
      { name: "trace_id", value: Buffer.from(traceId).toString("hex") },
      { name: "span_id", value: Buffer.from(spanId).toString("hex") },
    ].filter((id) => id.value !== "");
    const rest = labelsOf(filteredAttributes).filter(
      ({ name }) => !ids.some((id) => id.name === name),
    );
    const labels = sortLabels([...ids, ...rest]);
    return { labels, timestampMs: millisOf(timeUnixNano), value: Number(value.value) };
  });
}

interface PointFields {
  attributes: readonly KeyValue[];
  timeUnixNano: bigint;
  startTimeUnixNano: bigint;
  flags: number;
}

/** A writer of one sample for each name and label that a point becomes. */
function sampleWriter(point: PointFields, { name, labels, metadata, table }: MetricContext) {
  const own = labelsOf(point.attributes);
  const isStale = (point.flags & NO_RECORDED_VALUE) !== 0;
  const times = {
    timestampMs: millisOf(point.timeUnixNano),
    startMs: millisOf(point.startTimeUnixNano),
  };
  return (suffix: string, value: number, more: readonly Label[] = []) => {
    const series = table.at(name + suffix, [...more, ...labels, ...own], metadata);
    series.samples.push({ ...times, value: isStale ? undefined : value });
    return series;
  };
}

export function explicitSeries(point: HistogramDataPoint, context: MetricContext): void {
  const { explicitBounds, bucketCounts, count, sum } = point;
  if (bucketCounts.length > 0 && bucketCounts.length !== explicitBounds.length + 1)
    throw new Rejection(
      "invalid_histogram",
      `histogram ${context.name}: got ${bucketCounts.length} counts and ${explicitBounds.length} bounds, expected one count more`,
    );
  const write = sampleWriter(point, context);
  const exemplars = exemplarsOf(point.exemplars).toSorted((a, b) => a.value - b.value);
  write("_count", Number(count));
  if (sum !== undefined || (point.flags & NO_RECORDED_VALUE) !== 0) write("_sum", sum ?? 0);
  let below = 0n;
  let first = 0;
  const bounds = bucketCounts.length > 0 ? explicitBounds : [];
  for (const [at, bound] of [...bounds, Infinity].entries()) {
    below = bound === Infinity ? count : below + bucketCounts[at]!;
    const le = { name: "le", value: boundText(bound) };
    const series = write("_bucket", Number(below), [le]);
    const within = exemplars.findIndex(({ value }) => !(value <= bound) && bound !== Infinity);
    const end = Math.max(first, within < 0 ? exemplars.length : within);
    series.exemplars.push(...exemplars.slice(first, end));
    first = end;
  }
}

const boundText = (bound: number) =>
  bound === Infinity ? "+Inf" : bound === -Infinity ? "-Inf" : String(bound);

export function summarySeries(point: SummaryDataPoint, context: MetricContext): void {
  const write = sampleWriter(point, context);
  write("_count", Number(point.count));
  write("_sum", point.sum);
  for (const { quantile, value } of point.quantileValues)
    write("", value, [{ name: "quantile", value: String(quantile) }]);
}

/** Throws Rejection for a scale that no schema has. */
export function nativeOf(point: ExponentialHistogramDataPoint): NativeHistogram {
  const { scale, sum, count, zeroCount, zeroThreshold } = point;
  if (scale < SCHEMA_MIN)
    throw new Rejection(
      "unknown_histogram_schema",
      `exponential histogram's scale: got ${scale}, expected at least ${SCHEMA_MIN}`,
    );
  const halvings = Math.min(Math.max(0, scale - SCHEMA_MAX), HALVINGS_MAX);
  const isStale = (point.flags & NO_RECORDED_VALUE) !== 0;
  return {
    timestampMs: millisOf(point.timeUnixNano),
    startMs: millisOf(point.startTimeUnixNano),
    schema: Math.min(scale, SCHEMA_MAX),
    count,
    // The standard has the stale marker for a sum that was not taken; that would hide the counts too.
    sum: isStale ? undefined : (sum ?? Number.NaN),
    zeroThreshold: zeroThreshold || ZERO_THRESHOLD_DEFAULT,
    zeroCount,
    positive: spansOf(point.positive, halvings),
    negative: spansOf(point.negative, halvings),
    customValues: [],
    resetHint: 0,
  };
}

/** Without empty buckets. A halving makes one bucket of two; an index there is the lower bound's, here the upper's. */
function spansOf(buckets: OtlpBuckets | undefined, halvings: number): Buckets {
  const { offset = 0, bucketCounts = [] } = buckets ?? {};
  const counts = new Map<number, bigint>();
  for (const [at, count] of bucketCounts.entries()) {
    const index = Math.floor((offset + at) / 2 ** halvings) + 1;
    if (count > 0n) counts.set(index, (counts.get(index) ?? 0n) + count);
  }
  const spans: Buckets["spans"] = [];
  let end = 0;
  for (const index of counts.keys()) {
    const last = spans.at(-1);
    if (last && index === end) last.length++;
    else spans.push({ offset: index - end, length: 1 });
    end = index + 1;
  }
  return { spans, counts: [...counts.values()] };
}
