/** Native histograms between the messages of both versions, which have the same fields, and the one form. */
import { doubleOf, bitsOf } from "./doubles.ts";
import { Rejection } from "./rejections.ts";
import type { Buckets, Count, NativeHistogram } from "./series.ts";

interface Span {
  offset: number;
  length: number;
}

/** The fields that prometheus.Histogram and io.prometheus.write.v2.Histogram share. */
export interface HistogramFields {
  count:
    | { case: "countInt"; value: bigint }
    | { case: "countFloat"; value: number }
    | { case: undefined; value?: undefined };
  sum: bigint;
  schema: number;
  zeroThreshold: number;
  zeroCount:
    | { case: "zeroCountInt"; value: bigint }
    | { case: "zeroCountFloat"; value: number }
    | { case: undefined; value?: undefined };
  negativeSpans: Span[];
  negativeDeltas: bigint[];
  negativeCounts: number[];
  positiveSpans: Span[];
  positiveDeltas: bigint[];
  positiveCounts: number[];
  resetHint: NativeHistogram["resetHint"];
  timestamp: bigint;
  customValues: number[];
}

/** Throws Rejection when spans and counts do not agree. */
export function histogramOf(fields: HistogramFields, startMs: bigint): NativeHistogram {
  const { negativeSpans, negativeDeltas, negativeCounts } = fields;
  const { positiveSpans, positiveDeltas, positiveCounts } = fields;
  return {
    timestampMs: fields.timestamp,
    startMs,
    schema: fields.schema,
    count: fields.count.value ?? 0n,
    sum: doubleOf(fields.sum),
    zeroThreshold: fields.zeroThreshold,
    zeroCount: fields.zeroCount.value ?? 0n,
    negative: bucketsOf(negativeSpans, negativeDeltas, negativeCounts, "negative"),
    positive: bucketsOf(positiveSpans, positiveDeltas, positiveCounts, "positive"),
    customValues: fields.customValues,
    resetHint: fields.resetHint,
  };
}

function bucketsOf(
  spans: readonly Span[],
  deltas: readonly bigint[],
  doubles: readonly number[],
  what: string,
): Buckets {
  const counts: Count[] = doubles.length > 0 ? [...doubles] : addUp(deltas);
  const expected = spans.reduce((sum, { length }) => sum + length, 0);
  if (counts.length !== expected || (doubles.length > 0 && deltas.length > 0))
    throw new Rejection(
      "invalid_histogram",
      `${what} buckets: got ${deltas.length} deltas and ${doubles.length} counts, expected ${expected} of one kind as the spans say`,
    );
  return { spans: spans.map(({ offset, length }) => ({ offset, length })), counts };
}

function addUp(deltas: readonly bigint[]): bigint[] {
  let count = 0n;
  return deltas.map((delta) => (count += delta));
}

export function fieldsOf(histogram: NativeHistogram): HistogramFields {
  const { count, zeroCount, negative, positive } = histogram;
  return {
    count:
      typeof count === "bigint"
        ? { case: "countInt", value: count }
        : { case: "countFloat", value: count },
    sum: bitsOf(histogram.sum),
    schema: histogram.schema,
    zeroThreshold: histogram.zeroThreshold,
    zeroCount:
      typeof zeroCount === "bigint"
        ? { case: "zeroCountInt", value: zeroCount }
        : { case: "zeroCountFloat", value: zeroCount },
    negativeSpans: negative.spans,
    negativeDeltas: deltasOf(negative.counts),
    negativeCounts: doublesOf(negative.counts),
    positiveSpans: positive.spans,
    positiveDeltas: deltasOf(positive.counts),
    positiveCounts: doublesOf(positive.counts),
    resetHint: histogram.resetHint,
    timestamp: histogram.timestampMs,
    customValues: histogram.customValues,
  };
}

function deltasOf(counts: readonly Count[]): bigint[] {
  const whole = counts.filter((count) => typeof count === "bigint");
  return whole.map((count, at) => count - (whole[at - 1] ?? 0n));
}

const doublesOf = (counts: readonly Count[]) => counts.filter((count) => typeof count === "number");
