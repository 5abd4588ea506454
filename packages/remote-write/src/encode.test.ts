import { create } from "@bufbuild/protobuf";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { MetricSchema } from "@glassline/proto/otlp/metrics";
import { ResourceMetricsSchema } from "@glassline/proto/otlp/metrics";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { MESSAGES, decodeRequest } from "./decode.ts";
import { STANDARD_NAMES, encodeRequest } from "./encode.ts";
import { readV1 } from "./message-v1.ts";
import { readV2 } from "./message-v2.ts";
import { labelName, metricName, nameWithSuffixes, unitInWords } from "./names.ts";
import { NOW_MS, WRITERS, anySeries } from "./remote-write.testing.ts";
import { Rejections } from "./rejections.ts";

type MetricInit = MessageInitShape<typeof MetricSchema> & object;

const [V1, V2] = MESSAGES;
const READERS = { [V1]: readV1, [V2]: readV2 };
const TIME = { timeUnixNano: NOW_MS * 1_000_000n };
const CUMULATIVE = 2;
const text = (key: string, value: string) => ({
  key,
  value: { value: { case: "stringValue" as const, value } },
});

function resourceOf(...metrics: MetricInit[]) {
  return create(ResourceMetricsSchema, {
    resource: {
      attributes: [
        text("service.namespace", "shop"),
        text("service.name", "cart"),
        text("service.instance.id", "i-1"),
        text("host.name", "h"),
      ],
    },
    scopeMetrics: [{ scope: { name: "lib", version: "1" }, metrics }],
  });
}

/** What is written, as `name{labels} value` without the target's labels and `target_info`. */
function linesOf(metric: MetricInit, message: (typeof MESSAGES)[number] = V2): string[] {
  const { body } = encodeRequest(message, [resourceOf(metric)]);
  const series = [...READERS[message](body, new Rejections())];
  return series.flatMap(({ labels, samples, histograms }) => {
    const own = labels.filter(({ name }) => !/^(__name__|job|instance|otel_.*)$/.test(name));
    const name = labels.find((label) => label.name === "__name__")!.value;
    const shown = own.map((label) => `${label.name}=${label.value}`).join(",");
    const values = [...samples.map(({ value }) => value), ...histograms.map(({ sum }) => sum)];
    return name === "target_info" ? [] : `${name}{${shown}} ${values.join(" ")}`;
  });
}

describe.each(MESSAGES)("%s", (message) => {
  test("names the target of each series, and says the rest of its resource once", () => {
    const point = { ...TIME, value: { case: "asInt" as const, value: 7n } };
    const gauge = { case: "gauge" as const, value: { dataPoints: [point] } };
    const metrics = [
      { name: "a", data: gauge },
      { name: "b", data: gauge },
    ];
    const { body, series } = encodeRequest(message, [resourceOf(...metrics)]);
    expect(series).toBe(3);
    const read = [...READERS[message](body, new Rejections())];
    const target = [
      { name: "instance", value: "i-1" },
      { name: "job", value: "shop/cart" },
    ];
    const name = (value: string) => ({ name: "__name__", value });
    const scope = [
      { name: "otel_scope_name", value: "lib" },
      { name: "otel_scope_version", value: "1" },
    ];
    expect(read.map(({ labels }) => labels)).toEqual([
      [name("a"), ...target, ...scope],
      [name("b"), ...target, ...scope],
      [name("target_info"), { name: "host_name", value: "h" }, ...target],
    ]);
  });

  test("writes a histogram as its buckets, added up, its sum and its count", () => {
    const point = {
      ...TIME,
      attributes: [text("http.route", "/")],
      count: 6n,
      sum: 1.5,
      explicitBounds: [0.1, 1],
      bucketCounts: [1n, 2n, 3n],
    };
    const value = { dataPoints: [point], aggregationTemporality: CUMULATIVE as 2 };
    const metric = { name: "latency", unit: "s", data: { case: "histogram" as const, value } };
    expect(linesOf(metric, message)).toEqual([
      "latency_seconds_count{http_route=/} 6",
      "latency_seconds_sum{http_route=/} 1.5",
      "latency_seconds_bucket{http_route=/,le=0.1} 1",
      "latency_seconds_bucket{http_route=/,le=1} 3",
      "latency_seconds_bucket{http_route=/,le=+Inf} 6",
    ]);
  });

  test("writes a summary as its quantiles, its sum and its count", () => {
    const point = { ...TIME, count: 6n, sum: 1.5, quantileValues: [{ quantile: 0.5, value: 0.2 }] };
    const metric = {
      name: "latency",
      data: { case: "summary" as const, value: { dataPoints: [point] } },
    };
    expect(linesOf(metric, message)).toEqual([
      "latency_count{} 6",
      "latency_sum{} 1.5",
      "latency{quantile=0.5} 0.2",
    ]);
  });

  test("gives a counter its unit and _total, once", () => {
    const dataPoints = [{ ...TIME, value: { case: "asDouble" as const, value: 2 } }];
    const value = { dataPoints, aggregationTemporality: CUMULATIVE as 2, isMonotonic: true };
    const data = { case: "sum" as const, value };
    expect(linesOf({ name: "sent.bytes_total", unit: "By", data }, message)).toEqual([
      "sent_bytes_total{} 2",
    ]);
    expect(linesOf({ name: "idle", unit: "s", data }, message)).toEqual(["idle_seconds_total{} 2"]);
  });

  test("of what was read is what was read: samples, stale markers, native histograms, exemplars, types", () => {
    fc.assert(
      fc.property(fc.array(anySeries, { maxLength: 4 }), (series) => {
        const first = decodeRequest(message, WRITERS[message](series));
        expect(first.rejections.message).toBe(new Rejections().message);
        const options = { suffixes: false };
        const { body, rejections } = encodeRequest(message, first.request.resourceMetrics, options);
        expect(rejections.total).toBe(0);
        const again = decodeRequest(message, body);
        expect(again.written).toEqual(first.written);
        const third = encodeRequest(message, again.request.resourceMetrics, options);
        expect(pointsIn(message, third.body)).toEqual(pointsIn(message, WRITERS[message](series)));
      }),
      { numRuns: 300 },
    );
  });
});

/** Everything that is said of each series, in one order; of 1.0 without starts, which it does not have. */
function pointsIn(message: (typeof MESSAGES)[number], body: Uint8Array): string[] {
  const hex = (value: unknown) =>
    typeof value === "bigint" ? `${value}n` : Object.is(value, -0) ? "-0" : value;
  const lines = [...READERS[message](body, new Rejections())].flatMap(
    ({ labels, samples, histograms, exemplars }) =>
      [...samples, ...histograms, ...exemplars].map((one) =>
        JSON.stringify([labels, "value" in one ? (one.value ?? "stale") : 0, one], (_, value) =>
          hex(value),
        ),
      ),
  );
  return lines.toSorted();
}

describe("points that remote write cannot say", () => {
  test.each([
    [
      "temporality",
      {
        name: "a",
        data: {
          case: "sum" as const,
          value: { dataPoints: [{}, {}], aggregationTemporality: 1 as const },
        },
      },
      2,
    ],
    ["no_value", { name: "a" }, 1],
    ["no_value", { name: "a", data: { case: "gauge" as const, value: { dataPoints: [{}] } } }, 1],
    ["no_metric_name", { name: "" }, 1],
    [
      "unknown_histogram_schema",
      {
        name: "a",
        data: {
          case: "exponentialHistogram" as const,
          value: { dataPoints: [{ scale: -5 }], aggregationTemporality: CUMULATIVE as 2 },
        },
      },
      1,
    ],
    [
      "invalid_histogram",
      {
        name: "a",
        data: {
          case: "histogram" as const,
          value: {
            dataPoints: [{ bucketCounts: [1n, 2n] }],
            aggregationTemporality: CUMULATIVE as 2,
          },
        },
      },
      1,
    ],
  ])("are counted: %s", (reason, metric, count) => {
    const { rejections } = encodeRequest(V2, [resourceOf(metric)]);
    expect([...rejections.counts]).toEqual([[reason, count]]);
  });
});

test("an exponential histogram finer than any schema is made coarser, without a loss of counts", () => {
  const point = {
    ...TIME,
    scale: 10,
    count: 10n,
    positive: { offset: -5, bucketCounts: [1n, 2n, 3n, 4n] },
  };
  const metric = {
    name: "h",
    data: {
      case: "exponentialHistogram" as const,
      value: { dataPoints: [point], aggregationTemporality: CUMULATIVE as 2 },
    },
  };
  const { body } = encodeRequest(V2, [resourceOf(metric)]);
  const [{ histograms } = { histograms: [] }] = readV2(body, new Rejections());
  // Buckets -5 to -2 of scale 10 are in the buckets -2 (by its lower bound) and -1 of scale 8.
  expect(histograms[0]).toMatchObject({
    schema: 8,
    positive: { spans: [{ offset: -1, length: 2 }], counts: [1n, 9n] },
  });
});

describe("names", () => {
  test.each([
    ["http.server.request.duration", "http_server_request_duration"],
    ["2xx", "_2xx"],
    ["a..b::c", "a_b::c"],
    ["température", "temp_rature"],
  ])("of metrics: %s becomes %s", (name, expected) => expect(metricName(name)).toBe(expected));

  test.each([
    ["host.name", "host_name"],
    ["0", "key_0"],
    ["a:b", "a_b"],
  ])("of labels: %s becomes %s", (name, expected) => expect(labelName(name)).toBe(expected));

  test.each([
    ["ms", "milliseconds"],
    ["By/s", "bytes_per_second"],
    ["{frame}", ""],
    ["{frame}/s", "per_second"],
    ["Cel", "celsius"],
  ])("of units: %s becomes %s", (unit, expected) => expect(unitInWords(unit)).toBe(expected));

  test.each([
    ["load", "1", "gauge", "load_ratio"],
    ["frames", "1", "counter", "frames_total"],
    ["request.duration.seconds", "s", "other", "request_duration_seconds"],
    ["frames", "{frame}", "counter", "frames_total"],
  ] as const)("of %s in %s as a %s are %s", (name, unit, kind, expected) => {
    expect(STANDARD_NAMES.suffixes).toBe(true);
    expect(nameWithSuffixes(name, unit, kind)).toBe(expected);
  });
});
