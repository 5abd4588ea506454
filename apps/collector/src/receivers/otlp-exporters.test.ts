/** Other people's clients: the OpenTelemetry SDK's exporters, three signals over three transports, with TLS and a token. */
import { fromBinary } from "@bufbuild/protobuf";
import { ExportLogsServiceRequestSchema } from "@glassline/proto/otlp/logs-service";
import { ExportMetricsServiceRequestSchema } from "@glassline/proto/otlp/metrics-service";
import { ExportTraceServiceRequestSchema } from "@glassline/proto/otlp/trace-service";
import { Metadata, credentials } from "@grpc/grpc-js";
import { SeverityNumber } from "@opentelemetry/api";
import { OTLPLogExporter as GrpcLogs } from "@opentelemetry/exporter-logs-otlp-grpc";
import { OTLPLogExporter as JsonLogs } from "@opentelemetry/exporter-logs-otlp-http";
import { OTLPLogExporter as ProtobufLogs } from "@opentelemetry/exporter-logs-otlp-proto";
import { OTLPMetricExporter as GrpcMetrics } from "@opentelemetry/exporter-metrics-otlp-grpc";
import { OTLPMetricExporter as JsonMetrics } from "@opentelemetry/exporter-metrics-otlp-http";
import { OTLPMetricExporter as ProtobufMetrics } from "@opentelemetry/exporter-metrics-otlp-proto";
import { OTLPTraceExporter as GrpcTraces } from "@opentelemetry/exporter-trace-otlp-grpc";
import { OTLPTraceExporter as JsonTraces } from "@opentelemetry/exporter-trace-otlp-http";
import { OTLPTraceExporter as ProtobufTraces } from "@opentelemetry/exporter-trace-otlp-proto";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { LoggerProvider, SimpleLogRecordProcessor } from "@opentelemetry/sdk-logs";
import { MeterProvider, PeriodicExportingMetricReader } from "@opentelemetry/sdk-metrics";
import { SimpleSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import { describe, expect, test } from "vitest";

import type { OtlpCollector } from "./otlp.testing.ts";
import { AUTHORIZATION, startOtlpCollector } from "./otlp.testing.ts";

const resource = resourceFromAttributes({
  "camera.id": "cam-1",
  "service.name": "tester",
  "service.instance.id": "tester-1",
});

function overGrpc({ ca, grpcAddress }: OtlpCollector) {
  const metadata = new Metadata();
  metadata.set("authorization", AUTHORIZATION);
  return {
    url: `https://${grpcAddress}`,
    credentials: credentials.createSsl(Buffer.from(ca)),
    metadata,
  };
}

const overHttp = (path: string) => (collector: OtlpCollector) => ({
  url: collector.httpUrl(path),
  headers: { authorization: AUTHORIZATION },
  httpAgentOptions: { ca: collector.ca },
});

const METRICS = {
  gRPC: (collector: OtlpCollector) => new GrpcMetrics(overGrpc(collector)),
  "HTTP/protobuf": (collector: OtlpCollector) =>
    new ProtobufMetrics(overHttp("/v1/metrics")(collector)),
  "HTTP/JSON": (collector: OtlpCollector) => new JsonMetrics(overHttp("/v1/metrics")(collector)),
};
const TRACES = {
  gRPC: (collector: OtlpCollector) => new GrpcTraces(overGrpc(collector)),
  "HTTP/protobuf": (collector: OtlpCollector) =>
    new ProtobufTraces(overHttp("/v1/traces")(collector)),
  "HTTP/JSON": (collector: OtlpCollector) => new JsonTraces(overHttp("/v1/traces")(collector)),
};
const LOGS = {
  gRPC: (collector: OtlpCollector) => new GrpcLogs(overGrpc(collector)),
  "HTTP/protobuf": (collector: OtlpCollector) => new ProtobufLogs(overHttp("/v1/logs")(collector)),
  "HTTP/JSON": (collector: OtlpCollector) => new JsonLogs(overHttp("/v1/logs")(collector)),
};

/** The first request in the log, which has no others but of its kind. */
async function storedRequest(collector: OtlpCollector, kind: string): Promise<Uint8Array> {
  const records = await collector.stored();
  expect([...new Set(records.map((record) => record.case))]).toEqual([kind]);
  return records[0]!.value as Uint8Array;
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const stringValue = (value: string) => ({ value: { case: "stringValue", value } });

describe("the OpenTelemetry SDK's metrics", () => {
  test.each(Object.entries(METRICS))("are stored and shown over %s", async (_name, exporterFor) => {
    await using collector = await startOtlpCollector();
    const reader = new PeriodicExportingMetricReader({
      exporter: exporterFor(collector),
      exportIntervalMillis: 60_000,
    });
    const provider = new MeterProvider({ resource, readers: [reader] });
    const meter = provider.getMeter("test");
    meter.createCounter("frames", { unit: "{frame}" }).add(42, { stream: "main" });
    meter
      .createObservableGauge("temperature", { unit: "Cel" })
      .addCallback((result) => result.observe(36.6));
    meter.createHistogram("latency", { unit: "s" }).record(0.25);
    await provider.forceFlush();
    await provider.shutdown();

    const { samples } = await collector.query.getLatest({ cameraId: "cam-1" });
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
    const stored = await storedRequest(collector, "otlpMetrics");
    const { resourceMetrics } = fromBinary(ExportMetricsServiceRequestSchema, stored);
    const metrics = resourceMetrics[0]!.scopeMetrics[0]!.metrics;
    expect(metrics.map(({ name, unit, data }) => [name, unit, data.case])).toEqual([
      ["frames", "{frame}", "sum"],
      ["temperature", "Cel", "gauge"],
      ["latency", "s", "histogram"],
    ]);
  });
});

describe("the OpenTelemetry SDK's spans", () => {
  test.each(Object.entries(TRACES))("are stored and shown over %s", async (_name, exporterFor) => {
    await using collector = await startOtlpCollector();
    const provider = new TracerProvider({
      resource,
      spanProcessors: [new SimpleSpanProcessor({ exporter: exporterFor(collector) })],
    });
    const span = provider
      .getTracer("test")
      .startSpan("first/file.ts", { attributes: { "camera.id": "cam-x" } });
    span.addEvent("seen").end();
    await provider.forceFlush();
    await provider.shutdown();

    const { traceId, spanId } = span.spanContext();
    const { hops } = await collector.query.getTrace({ traceId });
    const shown = { name: "first/file.ts", service: "tester", instance: "tester-1", spanId };
    expect(hops).toMatchObject([shown]);
    const stored = await storedRequest(collector, "otlpTraces");
    const { resourceSpans } = fromBinary(ExportTraceServiceRequestSchema, stored);
    const [first] = resourceSpans[0]!.scopeSpans[0]!.spans;
    expect(hex(first!.traceId)).toBe(traceId);
    expect(hex(first!.spanId)).toBe(spanId);
    expect(first).toMatchObject({
      name: "first/file.ts",
      attributes: [{ key: "camera.id", value: stringValue("cam-x") }],
      events: [{ name: "seen" }],
    });
  });
});

describe("the OpenTelemetry SDK's log records", () => {
  test.each(Object.entries(LOGS))("are stored and counted over %s", async (_name, exporterFor) => {
    await using collector = await startOtlpCollector();
    const processor = new SimpleLogRecordProcessor({ exporter: exporterFor(collector) });
    const provider = new LoggerProvider({ resource, processors: [processor] });
    provider.getLogger("test").emit({
      body: "lens is dirty",
      severityNumber: SeverityNumber.WARN,
      severityText: "WARN",
      eventName: "lens.dirty",
      attributes: { side: "left" },
      timestamp: 1_790_000_000_000,
    });
    await provider.forceFlush();
    await provider.shutdown();

    expect(await collector.query.getStatus()).toMatchObject({ logRecordsStored: 1n });
    const stored = await storedRequest(collector, "otlpLogs");
    const { resourceLogs } = fromBinary(ExportLogsServiceRequestSchema, stored);
    expect(resourceLogs[0]!.scopeLogs[0]).toMatchObject({
      scope: { name: "test" },
      logRecords: [
        {
          timeUnixNano: 1_790_000_000_000_000_000n,
          severityNumber: SeverityNumber.WARN,
          severityText: "WARN",
          eventName: "lens.dirty",
          body: stringValue("lens is dirty"),
          attributes: [{ key: "side", value: stringValue("left") }],
        },
      ],
    });
  });
});
