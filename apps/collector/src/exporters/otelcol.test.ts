/**
 * Through the OpenTelemetry Collector: what we export it takes, and what it exports we store. Skipped where it has not been built, which
 * `npm run bench -w @glassline/collector` does where Go is there.
 */
import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";

import { accepts, freePort } from "@glassline/bench/ports";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { otelcolBinary } from "../../bench/peers/build.ts";
import { Collectors, TOKEN } from "./collectors.testing.ts";

const WAIT = { timeout: 15_000, interval: 50 };
const NOW = String(BigInt(Date.now()) * 1_000_000n);
const RESOURCE = {
  attributes: [{ key: "camera.id", value: { stringValue: "cam-otelcol" } }],
};

const binary = await otelcolBinary(false);
const path = "path" in binary ? binary.path : undefined;
const title = path
  ? "the OpenTelemetry Collector"
  : `the OpenTelemetry Collector (skipped: ${"why" in binary ? binary.why : ""})`;

let collectors: Collectors;
let running: ChildProcess | undefined;
beforeEach(async () => void (collectors = await Collectors.open()));
afterEach(async () => {
  if (running) {
    const ended = once(running, "exit");
    running.kill("SIGKILL");
    await ended;
    running = undefined;
  }
  await collectors[Symbol.asyncDispose]();
});

/** Takes OTLP without TLS on loopback, and passes it on to ours. */
async function startOtelcol(port: number, targetPort: number): Promise<void> {
  const file = join(collectors.directory, "otelcol.yaml");
  const pipeline = "{ receivers: [otlp], exporters: [otlp_grpc] }";
  await writeFile(
    file,
    `
receivers:
  otlp: { protocols: { grpc: { endpoint: "127.0.0.1:${port}" } } }
exporters:
  otlp_grpc:
    endpoint: localhost:${targetPort}
    headers: { authorization: "Bearer ${TOKEN}" }
    tls: { ca_file: "${join(collectors.pkiDir, "ca.pem")}" }
service:
  telemetry: { metrics: { level: none } }
  pipelines: { metrics: ${pipeline}, traces: ${pipeline}, logs: ${pipeline} }
`,
  );
  running = spawn(path!, [`--config=${file}`], { stdio: "ignore" });
  await vi.waitFor(async () => expect(await accepts(port)).toBe(true), WAIT);
}

/** One of ours that passes on to it. */
async function startSource(otelcolPort: number): Promise<number> {
  const file = join(collectors.directory, "source.yaml");
  const pipeline = "{ receivers: [otlp], exporters: [otlp] }";
  await writeFile(
    file,
    `
receivers:
  otlp: { protocols: { http: { endpoint: "localhost:0" } } }
exporters:
  otlp:
    endpoint: localhost:${otelcolPort}
    tls: { insecure: true }
    retry_on_failure: { initial_interval: 20ms, max_interval: 200ms }
service:
  pipelines: { metrics: ${pipeline}, traces: ${pipeline}, logs: ${pipeline} }
`,
  );
  const source = await collectors.start("source", [`--config=${file}`]);
  return source.addresses.otlpHttpPort;
}

const REQUESTS = {
  metrics: {
    resourceMetrics: [
      {
        resource: RESOURCE,
        scopeMetrics: [
          {
            metrics: [
              { name: "t", gauge: { dataPoints: [{ timeUnixNano: NOW, asDouble: 21.5 }] } },
            ],
          },
        ],
      },
    ],
  },
  traces: {
    resourceSpans: [
      {
        resource: RESOURCE,
        scopeSpans: [
          {
            spans: [
              {
                traceId: "0af7651916cd43dd8448eb211c80319c",
                spanId: "b7ad6b7169203331",
                name: "s",
                startTimeUnixNano: NOW,
                endTimeUnixNano: NOW,
              },
            ],
          },
        ],
      },
    ],
  },
  logs: {
    resourceLogs: [
      {
        resource: RESOURCE,
        scopeLogs: [{ logRecords: [{ timeUnixNano: NOW, body: { stringValue: "hello" } }] }],
      },
    ],
  },
} as const;

describe.skipIf(!path)(title, () => {
  test("takes all three signals from ours, and ours takes them from it", async () => {
    const target = await collectors.target();
    const port = await freePort();
    await startOtelcol(port, target.addresses.otlpGrpcPort);
    const sourcePort = await startSource(port);
    for (const [signal, body] of Object.entries(REQUESTS)) {
      const response = await fetch(`http://localhost:${sourcePort}/v1/${signal}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      });
      expect(response.status).toBe(200);
    }
    const sum = async (metric: string) =>
      Object.values(await target.values(metric)).reduce((total, value) => total + value, 0);
    await vi.waitFor(async () => {
      expect(await sum("points_stored_total")).toBe(1);
      expect(await sum("spans_stored_total")).toBe(1);
      expect(await sum("log_records_stored_total")).toBe(1);
    }, WAIT);
  }, 90_000);
});
