import { existsSync } from "node:fs";

import type { MessageInitShape } from "@bufbuild/protobuf";
import { create, toBinary } from "@bufbuild/protobuf";
import type { ExportMetricsServiceRequest } from "@glassline/proto/otlp/metrics-service";
import { ExportMetricsServiceRequestSchema } from "@glassline/proto/otlp/metrics-service";
import fc from "fast-check";
import { expect, test } from "vitest";

import { RECORDED_METRICS, requestsIn } from "../../bench/recorded-metrics.ts";
import { STREAM_LIMITS } from "../stream-codec/limits.ts";
import { MetricsReader } from "./metrics-reader.ts";
import { MetricsWriter } from "./metrics-writer.ts";

type Init = MessageInitShape<typeof ExportMetricsServiceRequestSchema>;

const NOW = 1_790_000_000_000_000_000n;
const long = fc.oneof(fc.nat().map(BigInt), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }));
const time = fc.oneof(
  fc.nat({ max: 3 }).map((step) => NOW + BigInt(step) * 10_000_000_000n),
  long,
);
const double = fc.oneof(
  fc.double(),
  fc.integer().map((whole) => whole / 100),
  fc.constant(-0),
);
const longs = fc.array(long, { maxLength: 4 });
const attributes = fc.uniqueArray(
  fc.record({
    key: fc.constantFrom("host", "état", "n"),
    value: fc.record({
      value: fc.oneof(
        fc.record({ case: fc.constant("stringValue" as const), value: fc.string() }),
        fc.record({ case: fc.constant("intValue" as const), value: fc.bigInt(-5n, 5n) }),
        fc.record({ case: fc.constant("boolValue" as const), value: fc.boolean() }),
        fc.record({
          case: fc.constant("bytesValue" as const),
          value: fc.uint8Array({ maxLength: 3 }),
        }),
      ),
    }),
  }),
  { maxLength: 2, selector: ({ key }) => key },
);
const common = {
  attributes,
  startTimeUnixNano: fc.oneof(fc.constant(0n), time),
  timeUnixNano: time,
  flags: fc.constantFrom(0, 0, 1),
};
const exemplars = fc.array(fc.record({ timeUnixNano: time }), { maxLength: 1 });
const number = fc.record({
  ...common,
  exemplars,
  value: fc.oneof(
    fc.record({
      case: fc.constant("asInt" as const),
      value: fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n),
    }),
    fc.record({ case: fc.constant("asDouble" as const), value: double }),
    fc.constant({ case: undefined }),
  ),
});
const optional = { sum: double, min: double, max: double };
const histogram = fc.record(
  {
    ...common,
    count: long,
    ...optional,
    bucketCounts: longs,
    explicitBounds: fc.array(double, { maxLength: 3 }),
  },
  { requiredKeys: ["attributes", "count", "timeUnixNano"] },
);
const buckets = fc.record({ offset: fc.integer({ min: -40, max: 40 }), bucketCounts: longs });
const exponential = fc.record(
  {
    ...common,
    count: long,
    ...optional,
    scale: fc.integer({ min: -10, max: 20 }),
    zeroCount: long,
    positive: buckets,
    negative: buckets,
    zeroThreshold: double,
  },
  { requiredKeys: ["attributes", "count", "timeUnixNano"] },
);
const summary = fc.record({
  ...common,
  count: long,
  sum: double,
  quantileValues: fc.array(fc.record({ quantile: fc.constantFrom(0.5, 0.99), value: double }), {
    maxLength: 2,
  }),
});
const points = <T>(point: fc.Arbitrary<T>) => fc.array(point, { maxLength: 4 });
const temporality = fc.constantFrom(0, 1, 2);
const metric = fc.record({
  name: fc.constantFrom("system.io", "camera.focus", ""),
  description: fc.constantFrom("", "What it is."),
  unit: fc.constantFrom("", "By"),
  data: fc.oneof(
    fc.record({
      case: fc.constant("gauge" as const),
      value: fc.record({ dataPoints: points(number) }),
    }),
    fc.record({
      case: fc.constant("sum" as const),
      value: fc.record({
        dataPoints: points(number),
        aggregationTemporality: temporality,
        isMonotonic: fc.boolean(),
      }),
    }),
    fc.record({
      case: fc.constant("histogram" as const),
      value: fc.record({ dataPoints: points(histogram), aggregationTemporality: temporality }),
    }),
    fc.record({
      case: fc.constant("exponentialHistogram" as const),
      value: fc.record({ dataPoints: points(exponential), aggregationTemporality: temporality }),
    }),
    fc.record({
      case: fc.constant("summary" as const),
      value: fc.record({ dataPoints: points(summary) }),
    }),
    fc.constant({ case: undefined }),
  ),
});
const scope = fc.record({
  scope: fc.record({ name: fc.constantFrom("", "meter") }),
  metrics: fc.array(metric, { maxLength: 3 }),
  schemaUrl: fc.constantFrom("", "https://opentelemetry.io/schemas/1.9.0"),
});
const resource = fc.record({
  resource: fc.record({ attributes }),
  scopeMetrics: fc.array(scope, { maxLength: 2 }),
});
const request = fc.record({ resourceMetrics: fc.array(resource, { maxLength: 2 }) });

/** Each point with all that it belongs to, and what has no points, in an order that does not depend on how they came. */
function contentOf({ resourceMetrics }: ExportMetricsServiceRequest): string[] {
  const one = (message: Init) =>
    Buffer.from(
      toBinary(
        ExportMetricsServiceRequestSchema,
        create(ExportMetricsServiceRequestSchema, message),
      ),
    ).toString("hex");
  return resourceMetrics
    .flatMap((each) => {
      if (each.scopeMetrics.length === 0) return [one({ resourceMetrics: [each] })];
      return each.scopeMetrics.flatMap((scopeMetrics) => {
        const within = (metrics: typeof scopeMetrics.metrics) =>
          one({ resourceMetrics: [{ ...each, scopeMetrics: [{ ...scopeMetrics, metrics }] }] });
        if (scopeMetrics.metrics.length === 0) return [within([])];
        return scopeMetrics.metrics.flatMap((each) => {
          const all: unknown[] = each.data.value?.dataPoints ?? [];
          if (all.length === 0) return [within([each])];
          return all.map((point) =>
            within([
              {
                ...each,
                data: { ...each.data, value: { ...each.data.value, dataPoints: [point] } },
              } as never,
            ]),
          );
        });
      });
    })
    .toSorted();
}

test("any OTLP metrics request travels, whatever its kinds of points are", () => {
  fc.assert(
    fc.property(
      fc.array(request, { maxLength: 5 }),
      fc.nat({ max: 4 }),
      fc.boolean(),
      (requests, anew, compress) => {
        const [writer, reader] = [new MetricsWriter({ compress }), new MetricsReader()];
        requests.forEach((each, at) => {
          if (at === anew) writer.beginAnew();
          const message = create(ExportMetricsServiceRequestSchema, each as Init);
          const got = reader.decode(writer.encode(message));
          expect(contentOf(got)).toEqual(contentOf(message));
        });
      },
    ),
    { numRuns: 300 },
  );
});

test("series that come and go make the stream begin anew, and a request that is too large is refused", () => {
  const limits = { ...STREAM_LIMITS, columnsMax: 40 };
  const [writer, reader] = [new MetricsWriter({ limits }), new MetricsReader(limits)];
  const requestOf = (from: number, count: number) =>
    create(ExportMetricsServiceRequestSchema, {
      resourceMetrics: [
        {
          scopeMetrics: [
            {
              metrics: Array.from({ length: count }, (_, at) => ({
                name: `metric.${from + at}`,
                data: {
                  case: "gauge" as const,
                  value: {
                    dataPoints: [
                      { timeUnixNano: NOW, value: { case: "asInt" as const, value: 1n } },
                    ],
                  },
                },
              })),
            },
          ],
        },
      ],
    });
  for (let round = 0; round < 50; round++) {
    const message = requestOf(5 * round, 5);
    expect(contentOf(reader.decode(writer.encode(message)))).toEqual(contentOf(message));
  }
  expect(() => writer.encode(requestOf(0, 30))).toThrow(/columns since the key batch/);
  const after = requestOf(0, 3);
  writer.beginAnew();
  expect(contentOf(reader.decode(writer.encode(after)))).toEqual(contentOf(after));
});

test.skipIf(!existsSync(RECORDED_METRICS))(
  "recorded host metrics come back whole (skipped where ../shared/data is not there)",
  { timeout: 60_000 },
  () => {
    const [writer, reader] = [new MetricsWriter(), new MetricsReader()];
    let [parts, bytes] = [0, 0];
    for (const part of requestsIn(RECORDED_METRICS)) {
      const batch = writer.encode(part);
      bytes += batch.length;
      const got = reader.decode(batch);
      if (parts++ % 20 === 0) expect(contentOf(got)).toEqual(contentOf(part));
    }
    expect(parts).toBe(1_407);
    // A coarse guard; the benchmark has the figure.
    expect(bytes / 208_352).toBeLessThan(0.45);
  },
);
