/** Remote write with real ones: Debian's Prometheus sends to a collector, VictoriaMetrics takes what we encode. */
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";

import { create } from "@bufbuild/protobuf";
import { AggregationTemporality, ResourceMetricsSchema } from "@glassline/proto/otlp/metrics";
import type { ResourceMetrics } from "@glassline/proto/otlp/metrics";
import { encodeRequest } from "@glassline/remote-write/encode";
import { compress } from "@glassline/remote-write/snappy";
import { afterAll, beforeAll, describe, expect } from "vitest";

import { freePort } from "@glassline/bench/ports";
import { startProgram } from "./testing/programs.ts";
import { PROMETHEUS, VICTORIA_METRICS, testWith } from "./testing/requirements.ts";
import { Testbed, eventually } from "./testing/testbed.ts";

const TOKEN = "a-token-of-this-test";

let bed: Testbed;
beforeAll(async () => {
  bed = await Testbed.open();
});
afterAll(() => bed[Symbol.asyncDispose]());

/** A target that counts how often it was scraped. */
async function startTarget() {
  let scrapes = 0;
  const server = createServer((_request, response) => {
    scrapes++;
    response
      .setHeader("content-type", "text/plain; version=0.0.4")
      .end(
        [
          "# TYPE scrapes_total counter",
          `scrapes_total{path="/é"} ${scrapes}`,
          "# TYPE temperature gauge",
          "temperature -36.6",
          "nothing NaN",
          "# TYPE latency histogram",
          ...[1, 2].map((le) => `latency_bucket{le="${le}"} ${le * 10}`),
          'latency_bucket{le="+Inf"} 30',
          "latency_sum 55.5",
          "latency_count 30",
          "",
        ].join("\n"),
      );
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  return {
    instance: `127.0.0.1:${port}`,
    get scrapes() {
      return scrapes;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** Each 200 ms from the target to the collector. */
async function startPrometheus(instance: string, collectorPort: number) {
  const file = join(bed.directory, "prometheus.yml");
  const config = {
    global: { scrape_interval: "200ms" },
    scrape_configs: [{ job_name: "target", static_configs: [{ targets: [instance] }] }],
    remote_write: [
      {
        url: `http://127.0.0.1:${collectorPort}/api/v1/write`,
        authorization: { credentials: TOKEN },
        queue_config: { batch_send_deadline: "100ms", max_backoff: "200ms" },
      },
    ],
  };
  await writeFile(file, JSON.stringify(config));
  const address = `127.0.0.1:${await freePort()}`;
  const program = startProgram(PROMETHEUS, [
    `--config.file=${file}`,
    `--storage.tsdb.path=${join(bed.directory, "prometheus")}`,
    `--web.listen-address=${address}`,
  ]);
  return Object.assign(program, { valuesOf: (metric: string) => queryValues(address, metric) });
}

/** What Prometheus itself has: not each scrape that a target answered, as its answer may have been too late. */
async function queryValues(address: string, metric: string): Promise<number[]> {
  const response = await fetch(`http://${address}/api/v1/query?query=${metric}[1h]`);
  const { data } = (await response.json()) as {
    data: { result: { values: [number, string][] }[] };
  };
  return data.result.flatMap(({ values }) => values.map(([, value]) => Number(value)));
}

const startCollector = (httpPort: number) =>
  bed.collector({ "otlp-token": TOKEN, "otlp-plaintext": true, "otlp-http-port": httpPort });

describe("Prometheus", { timeout: 60_000 }, () => {
  testWith("prometheus")(
    "sends what it scrapes to a collector, all of it, also when the collector was away",
    async () => {
      await using target = await startTarget();
      const { instance } = target;
      const first = await startCollector(0);
      const httpPort = first.addresses.otlpHttpPort;
      await using prometheus = await startPrometheus(instance, httpPort);

      const query = await bed.query(first.addresses.port);
      const latest = await eventually("what was scraped is shown", async () => {
        const { samples } = await query.getLatest({ cameraId: instance });
        return samples.length > 0 ? samples : undefined;
      });
      const values = Object.fromEntries(
        latest.map(({ series, value }) => {
          const { metric, attributes } = series!;
          return [`${metric}${attributes["le"] ?? attributes["path"] ?? ""}`, value];
        }),
      );
      expect(values).toMatchObject({
        up: 1,
        "scrapes_total/é": expect.any(Number) as number,
        temperature: -36.6,
        nothing: Number.NaN,
        latency_bucket1: 10,
        latency_bucket2: 20,
        "latency_bucket+Inf": 30,
        latency_sum: 55.5,
        latency_count: 30,
      });

      await first[Symbol.asyncDispose]();
      const missed = target.scrapes + 3;
      await eventually("scrapes that nobody took", () => target.scrapes > missed || undefined);
      const second = await startCollector(httpPort);
      const again = await bed.query(second.addresses.port);
      await eventually("every scrape is stored", async () => {
        const metric = { cameraId: instance, metric: "scrapes_total" };
        const [range] = (await again.queryRange(metric)).series;
        const stored = new Set(range?.value);
        const last = Math.max(...stored);
        if (last < missed + 3) return undefined;
        const scraped = await prometheus.valuesOf("scrapes_total");
        expect([...stored].toSorted((a, b) => a - b)).toEqual(
          scraped.filter((value) => value <= last),
        );
        return true;
      });
      expect(prometheus.output).not.toMatch(/non-recoverable/);
    },
  );
});

/** A request of 1.0, as Prometheus would send it. */
function postMetrics(url: string, metrics: ResourceMetrics): Promise<Response> {
  const { body, rejections } = encodeRequest("prometheus.WriteRequest", [metrics]);
  expect(rejections.total).toBe(0);
  return fetch(`${url}/api/v1/write`, {
    method: "POST",
    headers: {
      "content-type": "application/x-protobuf",
      "content-encoding": "snappy",
      "x-prometheus-remote-write-version": "0.1.0",
    },
    body: new Uint8Array(compress(body)),
  });
}

describe("Prometheus as a receiver", () => {
  testWith("prometheus")("takes an exponential histogram as a native one", async () => {
    const file = join(bed.directory, "receiver.yml");
    await writeFile(file, "{}");
    const url = `http://127.0.0.1:${await freePort()}`;
    await using program = startProgram(PROMETHEUS, [
      `--config.file=${file}`,
      `--storage.tsdb.path=${join(bed.directory, "receiver")}`,
      `--web.listen-address=${url.replace("http://", "")}`,
      "--web.enable-remote-write-receiver",
      "--enable-feature=native-histograms",
    ]);
    await eventually(
      "Prometheus is ready",
      async () => (await fetch(`${url}/-/ready`)).ok || undefined,
    );
    const point = {
      timeUnixNano: BigInt(Date.now()) * 1_000_000n,
      count: 10n,
      sum: 12.5,
      zeroCount: 1n,
      positive: { offset: -1, bucketCounts: [2n, 0n, 4n] },
      negative: { offset: 1, bucketCounts: [3n] },
    };
    const value = {
      dataPoints: [point],
      aggregationTemporality: AggregationTemporality.CUMULATIVE,
    };
    const data = { case: "exponentialHistogram" as const, value };
    const metrics = create(ResourceMetricsSchema, {
      scopeMetrics: [{ metrics: [{ name: "latency", data }] }],
    });
    const response = await postMetrics(url, metrics);
    expect(response.status, program.output).toBe(204);
    const answer = (await (await fetch(`${url}/api/v1/query?query=latency`)).json()) as {
      data: { result: { histogram: [number, object] }[] };
    };
    // Bounds are 2^n: how they are closed, lower, upper, count.
    expect(answer.data.result[0]!.histogram[1]).toEqual({
      count: "10",
      sum: "12.5",
      buckets: [
        [1, "-4", "-2", "3"],
        [3, "-1e-128", "1e-128", "1"],
        [0, "0.5", "1", "2"],
        [0, "2", "4", "4"],
      ],
    });
  });
});

/** One of each kind that is a number in the end. */
function metricsOf(timeUnixNano: bigint) {
  const aggregationTemporality = AggregationTemporality.CUMULATIVE;
  const number = (value: number) => ({ timeUnixNano, value: { case: "asDouble" as const, value } });
  const text = (key: string, value: string) => ({
    key,
    value: { value: { case: "stringValue" as const, value } },
  });
  const histogram = {
    timeUnixNano,
    count: 6n,
    sum: 1.5,
    explicitBounds: [0.1, 1],
    bucketCounts: [1n, 2n, 3n],
  };
  return create(ResourceMetricsSchema, {
    resource: {
      attributes: [
        text("service.name", "shop"),
        text("service.instance.id", "i-1"),
        text("os.type", "linux"),
      ],
    },
    scopeMetrics: [
      {
        metrics: [
          {
            name: "temperature",
            unit: "Cel",
            data: {
              case: "gauge",
              value: {
                dataPoints: [{ ...number(-36.6), attributes: [text("room.name", "Küche")] }],
              },
            },
          },
          {
            name: "frames",
            data: {
              case: "sum",
              value: { dataPoints: [number(42)], aggregationTemporality, isMonotonic: true },
            },
          },
          {
            name: "latency",
            unit: "s",
            data: { case: "histogram", value: { dataPoints: [histogram], aggregationTemporality } },
          },
        ],
      },
    ],
  });
}

describe("VictoriaMetrics", () => {
  testWith("victoria-metrics")("takes what we encode, and has the same to say", async () => {
    const port = await freePort();
    await using program = startProgram(VICTORIA_METRICS, [
      `-httpListenAddr=127.0.0.1:${port}`,
      `-storageDataPath=${join(bed.directory, "victoria-metrics")}`,
    ]);
    const url = `http://127.0.0.1:${port}`;
    await eventually(
      "VictoriaMetrics answers",
      async () => (await fetch(`${url}/health`)).ok || undefined,
    );
    const nowMs = Date.now();
    const metrics = metricsOf(BigInt(nowMs) * 1_000_000n);
    const response = await postMetrics(url, metrics);
    expect(response.status, program.output).toBe(204);

    const lines = await eventually("all series can be read", async () => {
      await fetch(`${url}/internal/force_flush`);
      const found = await exportOf(url, '{job="shop"}');
      return found.length >= 8 ? found : undefined;
    });
    expect(lines.every(({ timestamps }) => timestamps[0] === nowMs)).toBe(true);
    const target = (metric: Record<string, string>) => ({
      ...metric,
      instance: "i-1",
      job: "shop",
    });
    const expected = [
      [target({ __name__: "frames_total" }), 42],
      [target({ __name__: "latency_seconds_bucket", le: "0.1" }), 1],
      [target({ __name__: "latency_seconds_bucket", le: "1" }), 3],
      [target({ __name__: "latency_seconds_bucket", le: "+Inf" }), 6],
      [target({ __name__: "latency_seconds_count" }), 6],
      [target({ __name__: "latency_seconds_sum" }), 1.5],
      [target({ __name__: "target_info", os_type: "linux" }), 1],
      [target({ __name__: "temperature_celsius", room_name: "Küche" }), -36.6],
    ];
    const got = lines.map(({ metric, values }) => [metric, ...values]);
    expect(got).toHaveLength(expected.length);
    expect(got).toEqual(expect.arrayContaining(expected));
  });
});

/** Source: https://docs.victoriametrics.com/#how-to-export-data-in-json-line-format */
async function exportOf(url: string, selector: string): Promise<Exported[]> {
  const response = await fetch(`${url}/api/v1/export?match[]=${encodeURIComponent(selector)}`);
  const lines = (await response.text()).split("\n").filter((line) => line !== "");
  return lines.map((line) => JSON.parse(line) as Exported);
}

interface Exported {
  metric: Record<string, string>;
  values: number[];
  timestamps: number[];
}
