/** OTLP/HTTP on the wire: encodings, what is told of a part, and each refusal as a google.rpc.Status. */
import { Agent } from "node:https";
import { deflateSync, gzipSync, zstdCompressSync } from "node:zlib";

import { create, fromBinary, fromJsonString, toBinary, toJson } from "@bufbuild/protobuf";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { RetryInfoSchema } from "@glassline/proto/google/error-details";
import { StatusSchema } from "@glassline/proto/google/status";
import { ExportLogsServiceRequestSchema } from "@glassline/proto/otlp/logs-service";
import {
  ExportMetricsServiceRequestSchema,
  ExportMetricsServiceResponseSchema,
} from "@glassline/proto/otlp/metrics-service";
import { ExportTraceServiceRequestSchema } from "@glassline/proto/otlp/trace-service";
import { LogRefusal } from "@glassline/segment-log";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import type { HttpAnswer, OtlpCollector } from "./otlp.testing.ts";
import { send, startOtlpCollector } from "./otlp.testing.ts";
import { STATUS_REGISTRY, refusalOf, statusOf } from "./otlp-refusal.ts";

const PROTOBUF = { "content-type": "application/x-protobuf" };
const TOO_LARGE = Buffer.alloc(16_777_216);

let collector: OtlpCollector;
beforeAll(async () => void (collector = await startOtlpCollector()));
afterAll(() => collector[Symbol.asyncDispose]());

const statusIn = ({ headers, body }: HttpAnswer) =>
  headers["content-type"] === "application/x-protobuf"
    ? fromBinary(StatusSchema, body)
    : fromJsonString(StatusSchema, body.toString(), { registry: STATUS_REGISTRY });

const metricsRequest = create(ExportMetricsServiceRequestSchema, {
  resourceMetrics: [
    {
      resource: {
        attributes: [
          { key: "camera.id", value: { value: { case: "stringValue", value: "cam-zip" } } },
        ],
      },
      scopeMetrics: [
        {
          metrics: [
            {
              name: "packed",
              data: {
                case: "gauge",
                value: { dataPoints: [{ timeUnixNano: 5n, value: { case: "asInt", value: 7n } }] },
              },
            },
            { name: "", data: { case: "gauge", value: { dataPoints: [{}, {}] } } },
          ],
        },
      ],
    },
  ],
});
const metricsBytes = toBinary(ExportMetricsServiceRequestSchema, metricsRequest);

describe("a request", () => {
  test.each([
    ["identity", (bytes: Uint8Array) => bytes],
    ["gzip", gzipSync],
    ["GZIP", gzipSync],
    ["deflate", deflateSync],
    ["zstd", zstdCompressSync],
  ] as const)("in %s is taken, but for what is told", async (encoding, pack) => {
    for (const isChunked of [false, true]) {
      const headers = { ...PROTOBUF, "content-encoding": encoding };
      const answer = await send(collector, { body: pack(metricsBytes), headers, isChunked });
      expect(answer).toMatchObject({ status: 200, headers: PROTOBUF });
      const response = fromBinary(ExportMetricsServiceResponseSchema, answer.body);
      expect(response.partialSuccess).toMatchObject({
        rejectedDataPoints: 2n,
        errorMessage: "2 points: metric name: got none, expected a name",
      });
    }
    const { samples } = await collector.query.getLatest({ cameraId: "cam-zip" });
    expect(samples).toMatchObject([{ value: 7 }]);
  });

  test("in JSON is answered in JSON, also with a charset", async () => {
    const body = JSON.stringify(toJson(ExportMetricsServiceRequestSchema, metricsRequest));
    const headers = { "content-type": "application/json; charset=utf-8" };
    const { status, body: answer } = await send(collector, { body, headers });
    expect(status).toBe(200);
    expect(JSON.parse(answer.toString())).toMatchObject({
      partialSuccess: { rejectedDataPoints: "2" },
    });
  });

  test("in JSON may have 64-bit numbers as numbers, which stay exact", async () => {
    await using own = await startOtlpCollector();
    const body = `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":1790000000000000001,
      "body":{"intValue":-9007199254740993},"severityNumber":9,"unknown":1e400}]}]}]}`;
    expect((await send(own, { path: "/v1/logs", body })).status).toBe(200);
    const stored = (await own.stored())[0]!.value as Uint8Array;
    const { resourceLogs } = fromBinary(ExportLogsServiceRequestSchema, stored);
    expect(resourceLogs[0]!.scopeLogs[0]!.logRecords[0]).toMatchObject({
      timeUnixNano: 1_790_000_000_000_000_001n,
      body: { value: { value: -9_007_199_254_740_993n } },
      severityNumber: 9,
    });
  });

  test.each(["/v1/metrics", "/v1/traces", "/v1/logs"])(
    "without anything in it is taken by %s",
    async (path) => {
      expect((await send(collector, { path, headers: PROTOBUF })).body).toHaveLength(0);
      const { status, body } = await send(collector, { path, body: "{}" });
      expect([status, body.toString()]).toEqual([200, "{}"]);
    },
  );
});

describe("what is stored", () => {
  test("is the request without what was rejected, and rejections are counted", async () => {
    await using own = await startOtlpCollector();
    const span = (traceId: number, name: string) => ({
      traceId: Buffer.alloc(traceId, 1),
      spanId: Buffer.alloc(8, 1),
      name,
    });
    const request = create(ExportTraceServiceRequestSchema, {
      resourceSpans: [{ scopeSpans: [{ spans: [span(16, "kept"), span(15, "not kept")] }] }],
    });
    const body = toBinary(ExportTraceServiceRequestSchema, request);
    const path = "/v1/traces";
    expect((await send(own, { path, body, headers: PROTOBUF })).status).toBe(200);
    expect(await own.values("dropped_total")).toEqual({ "reason=otlp_span_trace_id": 1 });
    expect(await own.values("spans_stored_total")).toEqual({ "": 1 });
    const stored = (await own.stored())[0]!.value as Uint8Array;
    const { resourceSpans } = fromBinary(ExportTraceServiceRequestSchema, stored);
    expect(resourceSpans[0]!.scopeSpans[0]!.spans.map(({ name }) => name)).toEqual(["kept"]);
  });
});

describe("a refusal", () => {
  const gzip = { "content-encoding": "gzip" };
  const zstd = { "content-encoding": "zstd" };
  test.each([
    ["no token", { headers: { authorization: "" } }, 401, 16, /^authorization: got/],
    ["another token", { headers: { authorization: "Bearer x" } }, 401, 16, /got another token/],
    ["no JSON", { body: "{" }, 400, 3, /^body: got bytes that are not .*ExportMetricsServiceReq/],
    ["no protobuf", { body: "zzzz", headers: PROTOBUF }, 400, 3, /not .*ExportMetricsServiceReq/],
    [
      "an id that is not hexadecimal",
      { path: "/v1/logs", body: '{"resourceLogs":[{"traceId":"zz"}]}' },
      400,
      3,
      /traceId: got "zz", expected pairs of hexadecimal digits/,
    ],
    ["another type", { headers: { "content-type": "text/plain" } }, 415, 3, /got text\/plain/],
    ["a type that is none", { body: "x", headers: { "content-type": ";" } }, 415, 3, /got none/],
    ["an empty type", { body: "x", headers: { "content-type": "" } }, 415, 3, /got none/],
    ["an address that is none", { path: "/v1/%zz" }, 400, 3, /%zz/],
    ["an unknown encoding", { headers: { "content-encoding": "br" } }, 415, 3, /got br, expected/],
    ["no gzip", { body: "x", headers: gzip }, 400, 3, /that are not gzip/],
    ["a torn zstd", { body: zstdCompressSync("{}").subarray(0, 8), headers: zstd }, 400, 3, /zstd/],
    ["another address", { path: "/v1/profiles" }, 404, 5, /expected POST \/v1\/metrics/],
    ["too large", { body: TOO_LARGE }, 413, 8, /got 16777216 bytes, expected at most 8388608/],
    ["too large in chunks", { body: TOO_LARGE, isChunked: true }, 413, 8, /got more than/],
    ["a bomb", { body: gzipSync(TOO_LARGE), headers: gzip }, 413, 8, /got more than 8388608/],
    ["a zstd bomb", { body: zstdCompressSync(TOO_LARGE), headers: zstd }, 413, 8, /got more than/],
  ] as const)("of %s is a status", async (_name, request, httpStatus, code, message) => {
    const answer = await send(collector, request);
    expect(answer.status).toBe(httpStatus);
    expect(statusIn(answer)).toMatchObject({ code, message: expect.stringMatching(message) });
    const isProtobuf = "headers" in request && request.headers === PROTOBUF;
    expect(answer.headers["content-type"]).toBe(
      isProtobuf ? PROTOBUF["content-type"] : "application/json",
    );
  });

  test.each(["GET", "PUT", "DELETE"])("of %s tells which method is allowed", async (method) => {
    const answer = await send(collector, { method });
    expect(answer).toMatchObject({ status: 405, headers: { allow: "POST" } });
    expect(statusIn(answer).message).toBe(`/v1/metrics: got ${method}, expected POST`);
  });

  test.each([false, true])("leaves the connection usable; in chunks: %s", async (isChunked) => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    for (const [body, status] of [
      [TOO_LARGE, 413],
      ["{}", 200],
    ] as const)
      expect(await send(collector, { body, isChunked, agent })).toMatchObject({ status });
    agent.destroy();
  });

  test("is counted by reason, and what was held in memory comes back", async () => {
    const before = await collector.values("otlp_requests_refused_total");
    await send(collector, { body: "{" });
    const after = await collector.values("otlp_requests_refused_total");
    const reason = "reason=malformed";
    expect(after[reason]).toBe((before[reason] ?? 0) + 1);
    expect(await collector.values("otlp_bytes_in_flight")).toEqual({ "": 0 });
  });

  test.each(["busy", "full", "disk", "closed"] as const)(
    "of a log that is %s may be tried again",
    (reason) => {
      const refusal = refusalOf(new LogRefusal(reason, "why"));
      expect(refusal).toMatchObject({ reason: `log_${reason}`, httpStatus: 503 });
      const { code, details } = statusOf(refusal);
      expect(code).toBe(14);
      expect(anyUnpack(details[0]!, RetryInfoSchema)!.retryDelay).toMatchObject({ seconds: 1n });
    },
  );

  test("of a record that is too large for the log is for good", () => {
    const refusal = refusalOf(new LogRefusal("too-large", "why"));
    expect(refusal).toMatchObject({ reason: "too_large", httpStatus: 413 });
    expect(statusOf(refusal)).toMatchObject({ code: 8, details: [] });
  });
});
