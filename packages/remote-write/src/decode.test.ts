import { readFileSync } from "node:fs";

import { create, toBinary } from "@bufbuild/protobuf";
import { RequestSchema } from "@glassline/proto/prometheus/write-v2";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { MESSAGES, decodeRequest } from "./decode.ts";
import { RequestError } from "./errors.ts";
import { HISTOGRAM, NOW_MS, WRITERS, anySeries, seriesOf } from "./remote-write.testing.ts";
import type { NativeHistogram, Series } from "./series.ts";
import { decompress } from "./snappy.ts";

const NOW_NANO = NOW_MS * 1_000_000n;
const [V1, V2] = MESSAGES;

const decode = (series: readonly Series[], message = V2 as (typeof MESSAGES)[number]) =>
  decodeRequest(message, WRITERS[message](series));
const metricsOf = (series: readonly Series[], message?: (typeof MESSAGES)[number]) =>
  decode(series, message).request.resourceMetrics.flatMap(({ scopeMetrics }) =>
    scopeMetrics.flatMap(({ metrics }) => metrics),
  );
const withHistogram = (histogram: Partial<NativeHistogram>) =>
  seriesOf({ __name__: "h" }, { samples: [], histograms: [{ ...HISTOGRAM, ...histogram }] });
const attribute = (key: string, value: string) => ({
  key,
  value: { value: { case: "stringValue", value } },
});

describe.each(MESSAGES)("%s", (message) => {
  test("becomes resources, scopes, metrics and points", () => {
    const { request, written, rejections } = decode(
      [
        seriesOf({ __name__: "up", instance: "host:1", job: "node" }),
        seriesOf({ __name__: "up", instance: "host:1", job: "node", path: "/" }),
        seriesOf({ __name__: "up", instance: "host:2", job: "node", otel_scope_name: "s" }),
        seriesOf({ __name__: "target_info", host_name: "h", instance: "host:2", job: "node" }),
      ],
      message,
    );
    expect(request.resourceMetrics).toMatchObject([
      {
        resource: {
          attributes: [
            attribute("service.name", "node"),
            attribute("service.instance.id", "host:1"),
          ],
        },
        scopeMetrics: [
          {
            scope: { name: "glassline.remote_write" },
            metrics: [
              {
                name: "up",
                metadata: [attribute("prometheus.type", "unknown")],
                data: {
                  case: "gauge",
                  value: {
                    dataPoints: [
                      { timeUnixNano: NOW_NANO, value: { case: "asDouble", value: 1 } },
                      { attributes: [attribute("path", "/")] },
                    ],
                  },
                },
              },
            ],
          },
        ],
      },
      {
        resource: {
          attributes: [
            attribute("service.name", "node"),
            attribute("service.instance.id", "host:2"),
            attribute("host_name", "h"),
          ],
        },
        scopeMetrics: [{ scope: { name: "s" }, metrics: [{ name: "up" }] }],
      },
    ]);
    expect(written).toEqual({ samples: 4, histograms: 0, exemplars: 0 });
    expect(rejections.total).toBe(0);
  });

  test.each([
    ["counter", "x_total", "sum", true],
    ["gauge", "x", "gauge", undefined],
    ["unknown", "x", "gauge", undefined],
    ["info", "x_info", "sum", false],
    ["stateset", "x", "sum", false],
    ["histogram", "x_bucket", "sum", true],
    ["histogram", "x_count", "sum", true],
    ["summary", "x_sum", "sum", false],
    ["summary", "x", "gauge", undefined],
  ] as const)("makes of a %s called %s a %s", (type, name, kind, isMonotonic) => {
    const metadata = { type, help: "What.", unit: "seconds" };
    const [metric] = metricsOf([seriesOf({ __name__: name }, { metadata })], message);
    expect(metric).toMatchObject({
      name,
      description: "What.",
      unit: "seconds",
      metadata: [attribute("prometheus.type", type)],
      data: { case: kind },
    });
    expect(metric!.data.case === "sum" ? metric!.data.value.isMonotonic : undefined).toBe(
      isMonotonic,
    );
  });

  test("has the stale marker as a point without a value, and NaN as NaN", () => {
    const samples = [undefined, Number.NaN].map((value) => ({
      timestampMs: NOW_MS,
      startMs: 0n,
      value,
    }));
    const [metric] = metricsOf([seriesOf({ __name__: "up" }, { samples })], message);
    expect(metric!.data.value!.dataPoints).toMatchObject([
      { flags: 1, value: { case: undefined } },
      { flags: 0, value: { case: "asDouble", value: Number.NaN } },
    ]);
  });

  test("has a native histogram as an exponential one", () => {
    const [metric] = metricsOf([withHistogram({})], message);
    expect(metric!.data).toMatchObject({
      case: "exponentialHistogram",
      value: {
        aggregationTemporality: 2,
        dataPoints: [
          {
            scale: 3,
            count: 10n,
            sum: 12.5,
            zeroCount: 1n,
            zeroThreshold: 1e-128,
            negative: { offset: -3, bucketCounts: [2n] },
            positive: { offset: 0, bucketCounts: [3n, 1n, 0n, 0n, 0n, 3n] },
          },
        ],
      },
    });
  });

  test("has a histogram of custom buckets as one with explicit bounds", () => {
    const none = { spans: [], counts: [] };
    const positive = { spans: [{ offset: 1, length: 2 }], counts: [4n, 5n] };
    const custom = { schema: -53, customValues: [0.1, 1], count: 9n, zeroCount: 0n };
    const [metric] = metricsOf([withHistogram({ ...custom, negative: none, positive })], message);
    expect(metric!.data).toMatchObject({
      case: "histogram",
      value: { dataPoints: [{ explicitBounds: [0.1, 1], bucketCounts: [0n, 4n, 5n], count: 9n }] },
    });
  });

  test.each([
    ["gauge_histogram", { resetHint: 3 as const }],
    ["fractional_histogram", { count: 9.5 }],
    ["unknown_histogram_schema", { schema: 9 }],
    ["unknown_histogram_schema", { schema: -5 }],
    ["invalid_histogram", { count: 11n }],
    ["invalid_histogram", { positive: { spans: [{ offset: 0, length: 2 }], counts: [7n] } }],
    [
      "wide_histogram",
      {
        positive: {
          spans: [
            { offset: 0, length: 1 },
            { offset: 2_000_000_000, length: 1 },
          ],
          counts: [1n, 6n],
        },
      },
    ],
    ["timestamp_out_of_range", { timestampMs: -1n }],
  ])("rejects a histogram that OTLP cannot say: %s", (reason, histogram) => {
    const { rejections, written } = decode(
      [withHistogram(histogram), seriesOf({ __name__: "up" })],
      message,
    );
    expect([...rejections.counts]).toEqual([[reason, 1]]);
    expect(written).toMatchObject({ histograms: 0, samples: 1 });
  });

  test("keeps exemplars: at the last sample, or alone", () => {
    const exemplars = [
      {
        labels: [
          { name: "trace_id", value: "0af7651916cd43dd8448eb211c80319c" },
          { name: "user", value: "u" },
        ],
        timestampMs: NOW_MS,
        value: 0.5,
      },
    ];
    const { request, written } = decode(
      [
        seriesOf({ __name__: "up" }, { exemplars }),
        seriesOf({ __name__: "up", a: "b" }, { exemplars, samples: [] }),
      ],
      message,
    );
    const { dataPoints } = request.resourceMetrics[0]!.scopeMetrics[0]!.metrics[0]!.data.value!;
    const expected = {
      value: { case: "asDouble", value: 0.5 },
      traceId: new Uint8Array(Buffer.from("0af7651916cd43dd8448eb211c80319c", "hex")),
      filteredAttributes: [attribute("user", "u")],
      timeUnixNano: NOW_NANO,
    };
    expect(dataPoints).toMatchObject([
      { exemplars: [expected], value: { value: 1 } },
      {
        attributes: [attribute("a", "b")],
        exemplars: [expected],
        value: { case: undefined },
        flags: 1,
        timeUnixNano: NOW_NANO,
      },
    ]);
    expect(written).toEqual({ samples: 1, histograms: 0, exemplars: 2 });
  });

  test.each([
    ["no_metric_name", { job: "x" }],
    ["no_metric_name", { __name__: "" }],
    ["empty_label", { __name__: "up", a: "" }],
    ["long_label", { __name__: "up", a: "x".repeat(70_000) }],
    ["long_label", { __name__: "up", ["a".repeat(2_000)]: "x" }],
    ["empty_label", { "": "x", __name__: "up" }],
  ])("takes what is good beside a series with %s", (reason, labels) => {
    const bad = seriesOf(labels as Record<string, string>);
    const { rejections, written } = decode([seriesOf({ __name__: "up" }), bad], message);
    expect([...rejections.counts]).toEqual([[reason, 1]]);
    expect(rejections.message).toMatch(`rejected 1 samples, histograms or exemplars (1 ${reason})`);
    expect(written.samples).toBe(1);
  });

  test("takes labels that are not sorted, as if they were", () => {
    const sorted = seriesOf({ __name__: "up", a: "1", b: "2", job: "j" });
    const shuffled = { ...sorted, labels: sorted.labels.toReversed() };
    expect(decode([shuffled], message)).toEqual(decode([sorted], message));
  });

  test("takes what is good beside labels that are there twice, or no UTF-8", () => {
    const twice = seriesOf({ __name__: "up", a: "1" });
    twice.labels.push({ name: "a", value: "2" });
    const body = Buffer.from(
      WRITERS[message]([
        twice,
        seriesOf({ __name__: "up", b: "ZZ" }),
        seriesOf({ __name__: "up" }),
      ]),
    );
    body.write("\u00ff", body.indexOf("ZZ"), "latin1");
    const { rejections, written } = decodeRequest(message, body);
    expect(Object.fromEntries(rejections.counts)).toEqual({ duplicate_label: 1, invalid_utf8: 1 });
    expect(written.samples).toBe(1);
  });

  test("is refused whole when few bytes name large things many times", () => {
    const large = "x".repeat(60_000);
    const times = (count: number, make: (at: number) => Series) =>
      Array.from({ length: count }, (_, at) => make(at));
    const [sample] = seriesOf({}).samples;
    const samples = Array.from({ length: 250 }, () => sample!);
    const metadata = { type: "gauge" as const, help: large.repeat(20), unit: "" };
    const exemplar = { labels: [{ name: "a", value: large }], timestampMs: NOW_MS, value: 1 };
    const exemplars = Array.from({ length: 250 }, () => exemplar);
    for (const all of [
      times(120, () => seriesOf({ __name__: "up", a: large })),
      [seriesOf({ __name__: "up", a: large }, { samples })],
      [seriesOf({ __name__: "up" }, { exemplars })],
      times(20, (at) => seriesOf({ __name__: `up${at}` }, { metadata })),
    ])
      expect(() => decode(all)).toThrow(/texts of more than 12582912 characters/);
    const span = (offset: number) => ({ offset, length: 1 });
    const positive = { spans: [span(0), span(9_000)], counts: [3n, 4n] };
    const wide = Array.from({ length: 120 }, () => withHistogram({ positive }));
    expect(() => decode(wide, message)).toThrow(expect.objectContaining({ kind: "too-large" }));
  });

  test("of hostile bytes is refused or read", () => {
    const valid = fc.array(anySeries, { maxLength: 3 }).map((all) => WRITERS[message](all));
    const bent = fc.tuple(valid, fc.nat(), fc.nat({ max: 255 })).map(([bytes, at, value]) => {
      const copy = Uint8Array.from(bytes);
      if (copy.length > 0) copy[at % copy.length] = value;
      return copy;
    });
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), bent), (body) => {
        try {
          decodeRequest(message, body);
        } catch (error) {
          if (!(error instanceof RequestError)) throw error;
        }
      }),
      { numRuns: 1_000 },
    );
  });
});

describe("2.0", () => {
  test("tells when a counter began, of each sample or, in older senders, of the series", () => {
    const samples = [{ timestampMs: NOW_MS, startMs: 5n, value: 1 }];
    const [metric] = metricsOf([seriesOf({ __name__: "up" }, { samples })]);
    expect(metric!.data.value!.dataPoints[0]!.startTimeUnixNano).toBe(5_000_000n);
    const older = create(RequestSchema, {
      symbols: ["", "__name__", "up"].map((text) => new Uint8Array(Buffer.from(text))),
      timeseries: [{ labelsRefs: [1, 2], samples: [{}], createdTimestamp: 6n }],
    });
    const { request } = decodeRequest(V2, toBinary(RequestSchema, older));
    const { data } = request.resourceMetrics[0]!.scopeMetrics[0]!.metrics[0]!;
    expect(data.value!.dataPoints[0]!.startTimeUnixNano).toBe(6_000_000n);
  });

  test("must not mix samples and histograms, nor be without either", () => {
    const mixed = seriesOf({ __name__: "h" }, { histograms: [HISTOGRAM] });
    const empty = seriesOf({ __name__: "h" }, { samples: [] });
    const { rejections } = decode([mixed, empty]);
    expect(Object.fromEntries(rejections.counts)).toEqual({ mixed_series: 2, empty_series: 1 });
  });

  test("begins its symbols with an empty text", () => {
    const body = WRITERS[V2]([seriesOf({ __name__: "up" })]);
    expect(() => decodeRequest(V2, body.subarray(2))).toThrow(/symbols: got another first one/);
  });

  test("read as 1.0 is empty, as its schema has it", () => {
    const body = WRITERS[V2]([seriesOf({ __name__: "up" })]);
    expect(decodeRequest(V1, body).request.resourceMetrics).toEqual([]);
  });
});

test("what Prometheus 2.42 sent is read whole", () => {
  const packed = readFileSync(
    new URL("../testdata/prometheus-2.42-request.snappy", import.meta.url),
  );
  const { request, written, rejections } = decodeRequest(V1, decompress(packed, 1_000_000));
  expect(rejections.total).toBe(0);
  expect(written.samples).toBeGreaterThan(100);
  expect(request.resourceMetrics[0]!.resource!.attributes).toMatchObject([
    attribute("service.name", "prometheus"),
    attribute("service.instance.id", "127.0.0.1:19912"),
  ]);
});
