/** Series for tests: short to write, and at random. */
import fc from "fast-check";

import { sortLabels } from "./labels.ts";
import { writeV1 } from "./message-v1.ts";
import { writeV2 } from "./message-v2.ts";
import type { Count, NativeHistogram, Series } from "./series.ts";
import { METRIC_TYPES } from "./series.ts";
import type { MessageName } from "./decode.ts";

export const WRITERS: Readonly<Record<MessageName, (series: readonly Series[]) => Uint8Array>> = {
  "prometheus.WriteRequest": writeV1,
  "io.prometheus.write.v2.Request": writeV2,
};
export const NOW_MS = 1_790_000_000_000n;

/** A series with one sample of 1. */
export function seriesOf(labels: Record<string, string>, more: Partial<Series> = {}): Series {
  return {
    labels: Object.entries(labels).map(([name, value]) => ({ name, value })),
    samples: [{ timestampMs: NOW_MS, startMs: 0n, value: 1 }],
    histograms: [],
    exemplars: [],
    metadata: { type: "unknown", help: "", unit: "" },
    ...more,
  };
}

export const HISTOGRAM: NativeHistogram = {
  timestampMs: NOW_MS,
  startMs: 0n,
  schema: 3,
  count: 10n,
  sum: 12.5,
  zeroThreshold: 1e-128,
  zeroCount: 1n,
  negative: { spans: [{ offset: -2, length: 1 }], counts: [2n] },
  positive: {
    spans: [
      { offset: 1, length: 2 },
      { offset: 3, length: 1 },
    ],
    counts: [3n, 1n, 3n],
  },
  customValues: [],
  resetHint: 0,
};

const time = fc.integer({ min: 1, max: 1_000_000 }).map((step) => NOW_MS + BigInt(step));
const start = fc.oneof(fc.constant(0n), time);
const value = fc.oneof(fc.double(), fc.constant(undefined), fc.constant(-0));
const sample = fc.record({ timestampMs: time, startMs: start, value });
const text = fc.string({ minLength: 1, maxLength: 12, unit: "grapheme" });
const name = fc.constantFrom("a", "b", "le", "path", "job", "instance", "otel_scope_name");

const labels = fc
  .record({
    metric: fc.constantFrom("up", "http_requests_total", "rpc:rate5m", "x_bucket", "x_sum"),
    more: fc.uniqueArray(fc.record({ name, value: text }), {
      maxLength: 4,
      selector: (label) => label.name,
    }),
  })
  .map(({ metric, more }) => sortLabels([{ name: "__name__", value: metric }, ...more]));

const exemplarLabel = fc.oneof(
  fc.record({
    name: fc.constant("trace_id"),
    value: fc.constant("0af7651916cd43dd8448eb211c80319c"),
  }),
  fc.record({ name: fc.constant("trace_id"), value: fc.constant("no-id") }),
  fc.record({ name: fc.constant("user"), value: text }),
);
const exemplar = fc.record({
  labels: fc
    .uniqueArray(exemplarLabel, { maxLength: 2, selector: (label) => label.name })
    .map(sortLabels),
  timestampMs: time,
  value: fc.double({ noNaN: true }),
});
const metadata = fc.record({
  type: fc.constantFrom(...METRIC_TYPES),
  help: fc.string(),
  unit: fc.constantFrom("", "seconds"),
});

/** As OTLP can say them: no empty buckets at the ends of spans, counts that add up. */
const buckets = fc
  .array(fc.record({ gap: fc.nat({ max: 4 }), count: fc.bigInt(1n, 9n) }), { maxLength: 6 })
  .map((cells) => {
    const spans: { offset: number; length: number }[] = [];
    for (const [at, { gap }] of cells.entries())
      if (at > 0 && gap === 0) spans.at(-1)!.length++;
      else spans.push({ offset: at === 0 ? gap - 2 : gap, length: 1 });
    return { spans, counts: cells.map(({ count }): Count => count) };
  });
const sumUp = (counts: readonly Count[]) =>
  counts.reduce((sum: bigint, one) => sum + BigInt(one), 0n);

const native = fc
  .record({
    timestampMs: time,
    startMs: start,
    schema: fc.integer({ min: -4, max: 8 }),
    sum: fc.double({ noNaN: true }),
    zeroThreshold: fc.constantFrom(1e-128, 0.5),
    zeroCount: fc.bigInt(0n, 5n),
    negative: buckets,
    positive: buckets,
  })
  .map((fields): NativeHistogram => ({
    ...fields,
    count: fields.zeroCount + sumUp(fields.negative.counts) + sumUp(fields.positive.counts),
    customValues: [],
    resetHint: 0,
  }));

/** One series with samples or with histograms, in the order of their times. */
const points = fc.oneof(
  fc.record({
    samples: fc.uniqueArray(sample, {
      minLength: 1,
      maxLength: 3,
      selector: ({ timestampMs }) => timestampMs,
    }),
    histograms: fc.constant([]),
  }),
  fc.record({
    samples: fc.constant([]),
    histograms: fc.uniqueArray(native, {
      minLength: 1,
      maxLength: 2,
      selector: ({ timestampMs }) => timestampMs,
    }),
  }),
);
const byTime = (a: { timestampMs: bigint }, b: { timestampMs: bigint }) =>
  Number(a.timestampMs - b.timestampMs);

export const anySeries = fc
  .record({ labels, points, exemplars: fc.array(exemplar, { maxLength: 2 }), metadata })
  .map(({ labels, points: { samples, histograms }, exemplars, metadata }): Series => ({
    labels,
    samples: samples.toSorted(byTime),
    histograms: histograms.toSorted(byTime),
    exemplars,
    metadata,
  }));
