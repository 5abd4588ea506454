/**
 * Native histograms as OTLP's, where that is exact: whole counts that only grow.
 * Source: https://prometheus.io/docs/specs/native_histograms/#data-model,
 * https://opentelemetry.io/docs/specs/otel/metrics/data-model/#exponentialhistogram
 */
import type { Budget } from "./budget.ts";
import { LIMITS } from "./limits.ts";
import type { Attributes } from "./points.ts";
import { NO_RECORDED_VALUE, nanoOf } from "./points.ts";
import { Rejection } from "./rejections.ts";
import type { Buckets, Count, NativeHistogram } from "./series.ts";
import { RESET_HINT_GAUGE } from "./series.ts";

const CUSTOM_SCHEMA = -53;
const SCHEMA_MIN = -4;
const SCHEMA_MAX = 8;
const COUNT_MAX = 2n ** 64n - 1n;

export const isCustom = ({ schema }: NativeHistogram) => schema === CUSTOM_SCHEMA;

/** Throws Rejection when it cannot be said exactly. */
export function exponentialPoint(
  histogram: NativeHistogram,
  attributes: Attributes,
  budget: Budget,
) {
  const { schema, sum, zeroThreshold } = histogram;
  if (schema < SCHEMA_MIN || schema > SCHEMA_MAX)
    throw new Rejection(
      "unknown_histogram_schema",
      `histogram's schema: got ${schema}, expected ${SCHEMA_MIN} to ${SCHEMA_MAX} or ${CUSTOM_SCHEMA}`,
    );
  const common = { ...commonOf(histogram, attributes), scale: schema };
  if (sum === undefined) return { ...common, flags: NO_RECORDED_VALUE };
  const [positive, negative] = [
    dense(histogram.positive, budget),
    dense(histogram.negative, budget),
  ];
  const count = whole(histogram.count);
  const zeroCount = whole(histogram.zeroCount);
  checkTotal(count, zeroCount + total(positive.bucketCounts) + total(negative.bucketCounts), sum);
  return { ...common, count, sum, zeroCount, zeroThreshold, positive, negative };
}

/** One of custom buckets is a histogram with explicit bounds: both count what is at most the bound. */
export function explicitPoint(histogram: NativeHistogram, attributes: Attributes, budget: Budget) {
  const { sum, customValues, positive, negative } = histogram;
  const common = { ...commonOf(histogram, attributes), explicitBounds: customValues };
  if (sum === undefined) return { ...common, flags: NO_RECORDED_VALUE };
  const isGrowing = customValues.every((bound, at) => at === 0 || bound > customValues[at - 1]!);
  if (!isGrowing || negative.counts.length > 0 || whole(histogram.zeroCount) > 0n)
    throw new Rejection(
      "invalid_histogram",
      "histogram of custom buckets: got bounds that do not grow, negative buckets or a zero bucket, expected none",
    );
  const { offset, bucketCounts } = dense(positive, budget, 0);
  if (offset < -1 || offset + 1 + bucketCounts.length > customValues.length + 1)
    throw new Rejection(
      "invalid_histogram",
      `histogram of custom buckets: got spans beyond its ${customValues.length} bounds`,
    );
  budget.buckets(customValues.length + 1);
  const counts = Array.from({ length: customValues.length + 1 }, () => 0n);
  bucketCounts.forEach((count, at) => (counts[offset + 1 + at] = count));
  const count = whole(histogram.count);
  checkTotal(count, total(counts), sum);
  return { ...common, count, sum, bucketCounts: counts };
}

function commonOf({ timestampMs, startMs, resetHint }: NativeHistogram, attributes: Attributes) {
  if (resetHint === RESET_HINT_GAUGE)
    throw new Rejection(
      "gauge_histogram",
      "histogram: got a gauge histogram, expected one whose counts only grow",
    );
  return {
    attributes,
    timeUnixNano: nanoOf(timestampMs),
    startTimeUnixNano: nanoOf(startMs),
    exemplars: [],
  };
}

/**
 * Every bucket from the first to the last. Prometheus names a bucket by its upper bound, OTLP by its lower: one less.
 * Gaps are limited, because a few bytes can say a long one.
 */
function dense({ spans, counts }: Buckets, budget: Budget, from?: number) {
  if (spans.length === 0) return { offset: from === undefined ? 0 : -1, bucketCounts: [] };
  const width = spans.reduce((sum, span, at) => sum + span.length + (at > 0 ? span.offset : 0), 0);
  if (spans.some((span, at) => at > 0 && span.offset < 0))
    throw new Rejection("invalid_histogram", "histogram's spans: got a gap below 0");
  if (width > LIMITS.bucketsMaxPerHistogram)
    throw new Rejection(
      "wide_histogram",
      `histogram: got spans over ${width} buckets, expected at most ${LIMITS.bucketsMaxPerHistogram}`,
    );
  budget.buckets(width);
  const bucketCounts = Array.from({ length: width }, () => 0n);
  let [bucket, next] = [0, 0];
  spans.forEach(({ offset, length }, at) => {
    if (at > 0) bucket += offset;
    for (let step = 0; step < length; step++) bucketCounts[bucket++] = whole(counts[next++]!);
  });
  return { offset: spans[0]!.offset - 1, bucketCounts };
}

function whole(count: Count): bigint {
  if (typeof count === "number" && !Number.isSafeInteger(count))
    throw new Rejection(
      "fractional_histogram",
      `histogram's count: got ${count}, expected a whole number`,
    );
  const value = BigInt(count);
  if (value >= 0n && value <= COUNT_MAX) return value;
  throw new Rejection("invalid_histogram", `histogram's count: got ${value}, expected 0 to 2^64-1`);
}

const total = (counts: readonly bigint[]) => counts.reduce((sum, count) => sum + count, 0n);

/** What was NaN is in the count, and in no bucket; then the sum is NaN too. */
function checkTotal(count: bigint, inBuckets: bigint, sum: number): void {
  if (inBuckets === count || (Number.isNaN(sum) && inBuckets < count)) return;
  throw new Rejection(
    "invalid_histogram",
    `histogram: got a count of ${count} and ${inBuckets} in its buckets, expected the same`,
  );
}
