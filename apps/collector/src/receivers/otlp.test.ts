/** OTLP as others speak it: the real OpenTelemetry exporters over gRPC, HTTP/protobuf and HTTP/JSON, and bad input. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";

import { create, toBinary } from "@bufbuild/protobuf";
import { readConfig } from "@glassline/config";
import { ExportMetricsServiceRequestSchema } from "@glassline/proto/otlp/metrics-service";
import { jsonClient } from "@glassline/proto/json";
import { QueryService } from "@glassline/proto/query";
import { systemClock } from "@glassline/service/clock";
import { createLogger } from "@glassline/service/logger";
import { createMetrics } from "@glassline/service/metrics";
import { ephemeralPki } from "@glassline/service/pki";
import { credentials, Metadata } from "@grpc/grpc-js";
import { trace } from "@opentelemetry/api";
import { OTLPMetricExporter as GrpcExporter } from "@opentelemetry/exporter-metrics-otlp-grpc";
import { OTLPMetricExporter as JsonExporter } from "@opentelemetry/exporter-metrics-otlp-http";
import { OTLPMetricExporter as ProtobufExporter } from "@opentelemetry/exporter-metrics-otlp-proto";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { resourceFromAttributes } from "@opentelemetry/resources";
import type { PushMetricExporter } from "@opentelemetry/sdk-metrics";
import { MeterProvider, PeriodicExportingMetricReader } from "@opentelemetry/sdk-metrics";
import { SimpleSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import type { Collector } from "../collector.ts";
import { startCollector } from "../collector.ts";
import { program } from "../config.ts";

const TOKEN = "a-token-for-tests";
const AUTHORIZATION = `Bearer ${TOKEN}`;

let directory: string;
let collector: Collector;
let query: ReturnType<typeof jsonClient<typeof QueryService>>;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "glassline-otlp-"));
  const words = [
    "--port=0",
    "--admin-port=0",
    "--otlp-grpc-port=0",
    "--otlp-http-port=0",
    "--otlp-plaintext",
  ];
  const result = readConfig(program, {
    arguments: [...words, `--data-dir=${directory}`, `--otlp-token=${TOKEN}`],
    environment: {},
  });
  if (!("config" in result)) throw new Error("got help, expected a configuration");
  collector = await startCollector(result.config, {
    identity: await (await ephemeralPki())({ role: "collector", instance: "collector" }),
    clock: systemClock,
    random: Math.random,
    logger: createLogger("collector", "silent"),
    metrics: createMetrics("collector"),
    stopping: new AbortController().signal,
    tracerProvider: trace.getTracerProvider(),
  });
  query = jsonClient(QueryService, `http://localhost:${collector.addresses.adminPort}`);
});
afterAll(async () => {
  await collector[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});

const httpUrl = (path: string) => `http://localhost:${collector.addresses.otlpHttpPort}${path}`;

const EXPORTERS: Record<string, () => PushMetricExporter> = {
  gRPC: () => {
    const metadata = new Metadata();
    metadata.set("authorization", AUTHORIZATION);
    return new GrpcExporter({
      url: `http://localhost:${collector.addresses.otlpGrpcPort}`,
      credentials: credentials.createInsecure(),
      metadata,
    });
  },
  "HTTP/protobuf": () =>
    new ProtobufExporter({
      url: httpUrl("/v1/metrics"),
      headers: { authorization: AUTHORIZATION },
    }),
  "HTTP/JSON": () =>
    new JsonExporter({ url: httpUrl("/v1/metrics"), headers: { authorization: AUTHORIZATION } }),
};

describe("the OpenTelemetry SDK's metrics", () => {
  test.each(Object.keys(EXPORTERS))("arrive over %s", async (transport) => {
    const cameraId = `cam-${transport.toLowerCase().replace("/", "-")}`;
    const reader = new PeriodicExportingMetricReader({
      exporter: EXPORTERS[transport]!(),
      exportIntervalMillis: 60_000,
    });
    const provider = new MeterProvider({
      resource: resourceFromAttributes({ "camera.id": cameraId }),
      readers: [reader],
    });
    const meter = provider.getMeter("test");
    meter.createCounter("frames", { unit: "{frame}" }).add(42, { stream: "main" });
    meter
      .createObservableGauge("temperature", { unit: "Cel" })
      .addCallback((result) => result.observe(36.6));
    meter.createHistogram("latency", { unit: "s" }).record(0.25);
    await provider.forceFlush();
    await provider.shutdown();

    const { samples } = await query.getLatest({ cameraId });
    const values = Object.fromEntries(samples.map(({ series, value }) => [series!.metric, value]));
    expect(values).toEqual({
      frames: 42,
      temperature: 36.6,
      "latency.count": 1,
      "latency.sum": 0.25,
    });
    expect(samples.find(({ series }) => series!.metric === "frames")!.series).toMatchObject({
      unit: "{frame}",
      attributes: { stream: "main" },
    });
  });
});

test("the OpenTelemetry SDK's spans become the hops of a trace", async () => {
  const exporter = new OTLPTraceExporter({
    url: httpUrl("/v1/traces"),
    headers: { authorization: AUTHORIZATION },
  });
  const provider = new TracerProvider({
    resource: resourceFromAttributes({
      "service.name": "tester",
      "service.instance.id": "tester-1",
    }),
    spanProcessors: [new SimpleSpanProcessor({ exporter })],
  });
  const span = provider
    .getTracer("test")
    .startSpan("first/file.ts", { attributes: { "camera.id": "cam-x" } });
  span.end();
  await provider.forceFlush();
  await provider.shutdown();
  const { hops, summary } = await query.getTrace({ traceId: span.spanContext().traceId });
  expect(hops).toMatchObject([
    {
      name: "first/file.ts",
      service: "tester",
      instance: "tester-1",
      spanId: span.spanContext().spanId,
    },
  ]);
  expect(summary).toMatchObject({ cameraId: "cam-x", spanCount: 1 });
  // A trace is listed when it is whole: nothing has come for a while.
  expect((await query.listTraces({ cameraId: "cam-x" })).traces).toHaveLength(0);
  await systemClock.sleep(1_600);
  expect((await query.listTraces({ cameraId: "cam-x" })).traces).toHaveLength(1);
});

describe("OTLP over HTTP", () => {
  const json = { "content-type": "application/json", authorization: AUTHORIZATION };
  const post = (
    body: string | Uint8Array<ArrayBuffer>,
    headers: Record<string, string>,
    path = "/v1/metrics",
  ) => fetch(httpUrl(path), { method: "POST", body, headers });

  const request = create(ExportMetricsServiceRequestSchema, {
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
                  value: {
                    dataPoints: [{ timeUnixNano: 5n, value: { case: "asInt", value: 7n } }],
                  },
                },
              },
              {
                name: "",
                data: {
                  case: "gauge",
                  value: { dataPoints: [{ timeUnixNano: 5n }, { timeUnixNano: 6n }] },
                },
              },
            ],
          },
        ],
      },
    ],
  });
  const bytes = Buffer.from(toBinary(ExportMetricsServiceRequestSchema, request));

  test.each(["gzip", "zstd"])(
    "takes %s, and tells how many points it did not take",
    async (encoding) => {
      const packed = encoding === "gzip" ? gzipSync(bytes) : zstdCompressSync(bytes);
      const headers = {
        "content-type": "application/x-protobuf",
        authorization: AUTHORIZATION,
        "content-encoding": encoding,
      };
      const response = await post(packed, headers);
      expect(response.status).toBe(200);
      expect(Buffer.from(await response.arrayBuffer()).toString("utf8")).toContain(
        "2 points have no metric name or no value",
      );
      expect((await query.getLatest({ cameraId: "cam-zip" })).samples).toMatchObject([
        { value: 7 },
      ]);
    },
  );

  test.each([
    [
      "no token",
      "{}",
      { "content-type": "application/json" },
      401,
      /authorization: got no authorization/,
    ],
    ["another token", "{}", { ...json, authorization: "Bearer wrong" }, 401, /got another token/],
    ["no JSON", "{", json, 400, /body: got bytes that are not .*ExportMetricsServiceRequest/],
    [
      "no protobuf",
      "zzzz",
      { ...json, "content-type": "application/x-protobuf" },
      400,
      /not .*ExportMetricsServiceRequest/,
    ],
    ["another type", "x", { ...json, "content-type": "text/plain" }, 415, /Unsupported Media Type/],
    ["no gzip", "x", { ...json, "content-encoding": "gzip" }, 400, /not gzip of at most/],
    [
      "an unknown encoding",
      "x",
      { ...json, "content-encoding": "br" },
      400,
      /content-encoding: got br, expected identity, gzip or zstd/,
    ],
  ])("answers %s with a clear error", async (_name, body, headers, status, message) => {
    const response = await post(body, headers as Record<string, string>);
    expect(response.status).toBe(status);
    expect(((await response.json()) as { message: string }).message).toMatch(message);
  });

  test("refuses what is too large, packed or not, and lives", async () => {
    const large = Buffer.alloc(9_000_000);
    expect((await post(large, json)).status).toBe(413);
    const bomb = gzipSync(large);
    expect((await post(bomb, { ...json, "content-encoding": "gzip" })).status).toBe(400);
    expect((await post("{}", json)).status).toBe(200);
  });
});

describe("the admin server", () => {
  const url = () => `http://localhost:${collector.addresses.adminPort}`;

  test("tells health, metrics and its OpenAPI", async () => {
    expect((await fetch(`${url()}/livez`)).status).toBe(200);
    expect((await fetch(`${url()}/readyz`)).status).toBe(200);
    expect(await (await fetch(`${url()}/metrics`)).text()).toContain(
      "glassline_points_stored_total",
    );
    const openApi = (await (await fetch(`${url()}/openapi.json`)).json()) as { paths: object };
    expect(Object.keys(openApi.paths)).toContain(
      "/glassline.query.v1alpha1.QueryService/ListCameras",
    );
  });

  test("refuses another Host (DNS rebinding) and another Origin (cross-site requests)", async () => {
    const { request } = await import("node:http");
    const status = (headers: Record<string, string>) =>
      new Promise<number>((resolve) => {
        request({ port: collector.addresses.adminPort, path: "/metrics", headers }, (response) =>
          resolve(response.statusCode!),
        ).end();
      });
    expect(await status({ host: "evil.example" })).toBe(421);
    expect(await status({ host: "localhost", origin: "https://evil.example" })).toBe(403);
    expect(await status({ host: "localhost" })).toBe(200);
  });

  test("answers a wrong request with what was got and what was expected", async () => {
    const response = await fetch(`${url()}/glassline.query.v1alpha1.QueryService/GetLatest`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ cameraId: 5 }),
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      code: "invalid_argument",
      message: expect.stringContaining("expected string, got 5") as string,
    });
  });
});
