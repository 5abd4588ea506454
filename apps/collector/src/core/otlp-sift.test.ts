import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { ExportMetricsServiceRequestSchema } from "@glassline/proto/otlp/metrics-service";
import { ExportTraceServiceRequestSchema } from "@glassline/proto/otlp/trace-service";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

import { acceptLogs, acceptMetrics, acceptTraces } from "./otlp-accept.ts";

const bytes = (length: number) => new Uint8Array(length).fill(7);
const good = { traceId: bytes(16), spanId: bytes(8), name: "good" };
const gauge = (...dataPoints: object[]) =>
  ({ case: "gauge", value: { dataPoints } }) as { case: "gauge"; value: object };
const value = { case: "asInt", value: 7n };

const tracesOf = (...spans: object[]) =>
  toBinary(
    ExportTraceServiceRequestSchema,
    create(ExportTraceServiceRequestSchema, { resourceSpans: [{ scopeSpans: [{ spans }] }] }),
  );
const metricsOf = (...metrics: object[]) =>
  toBinary(
    ExportMetricsServiceRequestSchema,
    create(ExportMetricsServiceRequestSchema, {
      resourceMetrics: [{ scopeMetrics: [{ metrics }] }],
    }),
  );

describe("spans", () => {
  test("are stored as received when nothing is wrong with them", () => {
    const request = tracesOf(good, { ...good, parentSpanId: bytes(8) });
    const accepted = acceptTraces(request);
    expect(accepted.bytes).toBe(request);
    expect(accepted.rejections.total).toBe(0);
  });

  test("with wrong ids are rejected by reason, and the rest is what is stored", () => {
    const { bytes: stored, rejections } = acceptTraces(
      tracesOf(
        { ...good, traceId: bytes(3) },
        { ...good, traceId: new Uint8Array(16) },
        { ...good, spanId: new Uint8Array(0) },
        { ...good, spanId: new Uint8Array(8) },
        { ...good, parentSpanId: bytes(16) },
        good,
      ),
    );
    const { resourceSpans } = fromBinary(ExportTraceServiceRequestSchema, stored);
    expect(resourceSpans[0]!.scopeSpans[0]!.spans).toMatchObject([good]);
    expect(rejections.total).toBe(5);
    expect(rejections.message).toBe(
      "2 spans: trace_id: got 3 bytes, expected 16 bytes that are not all zero; " +
        "2 spans: span_id: got 0 bytes, expected 8 bytes that are not all zero; " +
        "1 span: parent_span_id: got 16 bytes, expected 8 bytes or none",
    );
  });

  test("of which none can be kept leave nothing to store", () => {
    expect(acceptTraces(tracesOf({ ...good, traceId: bytes(3) })).bytes).toHaveLength(0);
  });
});

describe("points", () => {
  test("without a name, data or a value are rejected, and the rest is what is stored", () => {
    const { bytes: stored, rejections } = acceptMetrics(
      metricsOf(
        { name: "", data: gauge({ value }, { value }) },
        { name: "nothing" },
        { name: "half", data: gauge({ value }, {}) },
        { name: "empty", data: gauge({}) },
      ),
    );
    const { resourceMetrics } = fromBinary(ExportMetricsServiceRequestSchema, stored);
    expect(resourceMetrics[0]!.scopeMetrics[0]!.metrics).toMatchObject([
      { name: "half", data: { value: { dataPoints: [{ value }] } } },
    ]);
    expect([...rejections.byReason].map(([reason, { count }]) => [reason, count])).toEqual([
      ["otlp_metric_without_name", 2],
      ["otlp_metric_without_data", 1],
      ["otlp_point_without_value", 2],
    ]);
  });

  test("that say that there is no value are kept", () => {
    const request = metricsOf({ name: "ended", data: gauge({ flags: 1 }) });
    expect(acceptMetrics(request)).toMatchObject({ bytes: request, rejections: { total: 0 } });
  });
});

describe("bytes that are no request", () => {
  test("are refused, or what is stored of them is accepted whole", () => {
    const request = Buffer.concat([
      tracesOf(good),
      metricsOf({ name: "m", data: gauge({ value }) }),
    ]);
    const edit = fc.record({ at: fc.nat(request.length - 1), byte: fc.nat(255) });
    fc.assert(
      fc.property(fc.array(edit, { maxLength: 8 }), fc.nat(request.length), (edits, length) => {
        const broken = Buffer.from(request.subarray(0, length));
        for (const { at, byte } of edits) if (at < length) broken[at] = byte;
        for (const accept of [acceptMetrics, acceptTraces, acceptLogs]) {
          let accepted;
          try {
            accepted = accept(broken);
          } catch (error) {
            expect(error).toMatchObject({ code: "invalid_argument" });
            continue;
          }
          const again = accept(accepted.bytes);
          expect(again.bytes).toBe(accepted.bytes);
          expect(again.rejections.total).toBe(0);
        }
      }),
    );
  });

  test.each([
    ["text", Buffer.from("zzzz")],
    ["a torn message", tracesOf(good).subarray(0, 20)],
    ["a group without end, nested deeply", Buffer.alloc(100_000, 0x0b)],
  ])("are refused: %s", (_name, request) => {
    for (const accept of [acceptMetrics, acceptTraces, acceptLogs])
      expect(() => accept(request)).toThrow(/^body: got bytes that are not opentelemetry\.proto/);
  });
});
