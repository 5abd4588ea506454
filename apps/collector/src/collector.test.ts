/** The collector's own HTTP, and the traces that it lists. */
import { request } from "node:http";

import { create, toBinary } from "@bufbuild/protobuf";
import { ExportTraceServiceRequestSchema } from "@glassline/proto/otlp/trace-service";
import { systemClock } from "@glassline/service/clock";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import type { OtlpCollector } from "./receivers/otlp.testing.ts";
import { send, startOtlpCollector } from "./receivers/otlp.testing.ts";

test("a trace is listed when it is whole: nothing has come for a while", async () => {
  await using collector = await startOtlpCollector();
  const attributes = [
    { key: "camera.id", value: { value: { case: "stringValue" as const, value: "cam-x" } } },
  ];
  const span = { traceId: Buffer.alloc(16, 1), spanId: Buffer.alloc(8, 2), attributes };
  const message = create(ExportTraceServiceRequestSchema, {
    resourceSpans: [{ scopeSpans: [{ spans: [span] }] }],
  });
  const body = toBinary(ExportTraceServiceRequestSchema, message);
  await send(collector, {
    path: "/v1/traces",
    body,
    headers: { "content-type": "application/x-protobuf" },
  });
  expect(await collector.query.getStatus()).toMatchObject({ spansStored: 1n });
  const { summary } = await collector.query.getTrace({ traceId: "01".repeat(16) });
  expect(summary).toMatchObject({ cameraId: "cam-x", spanCount: 1 });
  expect((await collector.query.listTraces({ cameraId: "cam-x" })).traces).toHaveLength(0);
  await systemClock.sleep(1_600);
  expect((await collector.query.listTraces({ cameraId: "cam-x" })).traces).toHaveLength(1);
});

test("a span is about the camera of its resource, if it does not name another", async () => {
  await using collector = await startOtlpCollector();
  const camera = (value: string) => [
    { key: "camera.id", value: { value: { case: "stringValue" as const, value } } },
  ];
  const span = (id: number, more = {}) => ({
    traceId: Buffer.alloc(16, id),
    spanId: Buffer.alloc(8, id),
    ...more,
  });
  const message = create(ExportTraceServiceRequestSchema, {
    resourceSpans: [
      {
        resource: { attributes: camera("cam-r") },
        scopeSpans: [{ spans: [span(1), span(2, { attributes: camera("cam-s") })] }],
      },
    ],
  });
  await send(collector, {
    path: "/v1/traces",
    body: toBinary(ExportTraceServiceRequestSchema, message),
    headers: { "content-type": "application/x-protobuf" },
  });
  for (const [traceId, cameraId] of [
    ["01".repeat(16), "cam-r"],
    ["02".repeat(16), "cam-s"],
  ] as const) {
    const { summary } = await collector.query.getTrace({ traceId });
    expect(summary?.cameraId).toBe(cameraId);
  }
});

test("200 metrics are in fleet_latest, the first by name, and it is told how many are not", async () => {
  await using collector = await startOtlpCollector();
  const metrics = Array.from({ length: 205 }, (_, at) => ({
    name: `m${1_000 + at}`,
    gauge: { dataPoints: [{ timeUnixNano: `${Date.now()}000000`, asDouble: 1 }] },
  }));
  const body = JSON.stringify({ resourceMetrics: [{ scopeMetrics: [{ metrics }] }] });
  const headers = { "content-type": "application/json" };
  await send(collector, { path: "/v1/metrics", body: Buffer.from(body), headers });
  const url = `http://localhost:${collector.addresses.adminPort}/metrics`;
  const told = async () => (await fetch(url)).text();
  await expect
    .poll(told, { timeout: 30_000 })
    .toMatch(/^glassline_fleet_metrics_not_shown(\{.*\})? 5$/m);
  const text = await told();
  expect(text).toMatch(/^glassline_fleet_latest\{.*"m1199"/m);
  expect(text).not.toMatch(/^glassline_fleet_latest\{.*"m1200"/m);
});

describe("the admin server", () => {
  let collector: OtlpCollector;
  const url = () => `http://localhost:${collector.addresses.adminPort}`;
  beforeAll(async () => void (collector = await startOtlpCollector()));
  afterAll(() => collector[Symbol.asyncDispose]());

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

  const ask = (method: string, body: string) =>
    fetch(`${url()}/glassline.query.v1alpha1.QueryService/${method}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
    });

  test("refuses a question of twice the size, or about twice as many metrics", async () => {
    const large = await ask("GetLatest", JSON.stringify({ cameraId: "x".repeat(2_097_152) }));
    expect(large.status).toBe(413);
    expect(await large.json()).toMatchObject({ code: "resource_exhausted" });
    const metrics = Array.from({ length: 32 }, (_, at) => `m${at}`);
    const many = await ask("ListCameras", JSON.stringify({ metrics }));
    expect(many.status).toBe(400);
    expect(await many.json()).toMatchObject({ message: "metrics: got 32, expected at most 16" });
  });

  test.each([
    ["QueryRange", { cameraId: "cam-1" }, "metric: got nothing, expected the name of a metric"],
    ["AggregateFleet", {}, "metric: got nothing, expected the name of a metric"],
    ["GetTrace", { traceId: "zz" }, 'trace_id: got "zz", expected 32 hexadecimal digits'],
    ["GetTrace", {}, 'trace_id: got "", expected 32 hexadecimal digits'],
  ])("%s names the field that is wrong: %j", async (method, request, message) => {
    const response = await ask(method, JSON.stringify(request));
    expect(await response.json()).toMatchObject({ code: "invalid_argument", message });
    expect(response.status).toBe(400);
  });

  test("a trace's id may be in capitals, and one that there is not is not found", async () => {
    const response = await ask("GetTrace", JSON.stringify({ traceId: "0F".repeat(16) }));
    expect(response.status).toBe(404);
    const { message } = (await response.json()) as { message: string };
    expect(message).toContain("0f".repeat(16));
  });

  test("answers a wrong request with what was got and what was expected", async () => {
    const response = await ask("GetLatest", JSON.stringify({ cameraId: 5 }));
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      code: "invalid_argument",
      message: expect.stringContaining("expected string, got 5") as string,
    });
  });
});
