/** Collectors that export to one another, with TLS and a token, on real sockets and as real processes. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import { create, toBinary } from "@bufbuild/protobuf";
import { ExportMetricsServiceRequestSchema } from "@glassline/proto/otlp/metrics-service";
import { ExportTraceServiceRequestSchema } from "@glassline/proto/otlp/trace-service";
import { systemClock } from "@glassline/service/clock";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import type { RunningCollector } from "./collectors.testing.ts";
import { Collectors, kill, post, sendLogs } from "./collectors.testing.ts";
import { numbered } from "./exporter.testing.ts";

const WAIT = { timeout: 15_000, interval: 20 };

const METRICS = toBinary(
  ExportMetricsServiceRequestSchema,
  create(ExportMetricsServiceRequestSchema, {
    resourceMetrics: [
      {
        scopeMetrics: [
          {
            metrics: [
              {
                name: "x",
                data: {
                  case: "gauge",
                  value: {
                    dataPoints: [{ timeUnixNano: 5n, value: { case: "asDouble", value: 1.5 } }],
                  },
                },
              },
            ],
          },
        ],
      },
    ],
  }),
);
const TRACES = toBinary(
  ExportTraceServiceRequestSchema,
  create(ExportTraceServiceRequestSchema, {
    resourceSpans: [
      {
        scopeSpans: [
          {
            spans: [
              { traceId: new Uint8Array(16).fill(1), spanId: new Uint8Array(8).fill(2), name: "s" },
            ],
          },
        ],
      },
    ],
  }),
);

let collectors: Collectors;
beforeEach(async () => void (collectors = await Collectors.open()));
afterEach(() => collectors[Symbol.asyncDispose]());

const stored = async (target: RunningCollector, count: number) =>
  vi.waitFor(
    async () =>
      expect(Object.values(await target.values("log_records_stored_total"))[0] ?? 0).toBe(count),
    WAIT,
  );

/** The source knows that they are stored: what it does not know of it sends again. */
const answered = async (source: RunningCollector, count: number) =>
  vi.waitFor(
    async () => expect(await source.values("export_items_total")).toEqual({ logs: count }),
    WAIT,
  );

/** Nothing has come for a while. */
async function settled(target: RunningCollector): Promise<void> {
  const count = async () => Object.values(await target.values("log_records_stored_total"))[0];
  for (let before = Number.NaN; ;) {
    const now = (await count()) ?? 0;
    if (now === before) return;
    before = now;
    await systemClock.sleep(1_500);
  }
}

const EXPORTERS = {
  "OTLP/gRPC": (target: RunningCollector) =>
    ["otlp", `endpoint: localhost:${target.addresses.otlpGrpcPort}`] as const,
  "OTLP/HTTP": (target: RunningCollector) =>
    ["otlphttp", `endpoint: https://localhost:${target.addresses.otlpHttpPort}`] as const,
};

const exporting = async (target: RunningCollector, kind: keyof typeof EXPORTERS, more = "") => {
  const [id, endpoint] = EXPORTERS[kind](target);
  const file = await collectors.exporterFile(id, more === "" ? [endpoint] : [endpoint, more]);
  return collectors.start("source", [`--config=${file}`]);
};

describe.each(["OTLP/gRPC", "OTLP/HTTP"] as const)("over %s", (kind) => {
  test.each(["gzip", "none"])("all three signals arrive with compression %s", async (packing) => {
    const target = await collectors.target();
    const source = await exporting(target, kind, `compression: ${packing}`);
    const port = source.addresses.otlpHttpPort;
    await post(port, "/v1/metrics", METRICS);
    await post(port, "/v1/traces", TRACES);
    await sendLogs(port, ["hello"]);
    await stored(target, 1);
    await vi.waitFor(async () => {
      expect(await target.values("points_stored_total")).toEqual({ otlp: 1 });
      expect(Object.values(await target.values("spans_stored_total"))).toEqual([1]);
      const items = { metrics: 1, traces: 1, logs: 1 };
      expect(await source.values("export_items_total")).toEqual(items);
    }, WAIT);
  });

  test("everything arrives once and in order when the target was away", async () => {
    const target = await collectors.target();
    const source = await exporting(target, kind);
    const port = source.addresses.otlpHttpPort;
    await sendLogs(port, numbered(1, 20));
    await stored(target, 20);
    await answered(source, 20);
    await target[Symbol.asyncDispose]();
    await sendLogs(port, numbered(21, 120));
    await vi.waitFor(
      async () => expect(await source.values("export_failures_total")).not.toEqual({}),
      WAIT,
    );
    const again = await collectors.target(target.addresses);
    await sendLogs(port, numbered(121, 130));
    await stored(again, 110);
    await again[Symbol.asyncDispose]();
    expect(await collectors.storedTexts("target")).toEqual(numbered(1, 130));
  });
});

test.each(["prometheus.WriteRequest", "io.prometheus.write.v2.Request"])(
  "metrics arrive by remote write as %s, and come again when the target was away",
  async (message) => {
    const target = await collectors.target();
    const { otlpHttpPort } = target.addresses;
    const lines = [
      `endpoint: https://localhost:${otlpHttpPort}/api/v1/write`,
      `protobuf_message: ${message}`,
    ];
    const file = await collectors.exporterFile("prometheusremotewrite", lines, ["metrics"]);
    const source = await collectors.start("source", [`--config=${file}`]);
    await post(source.addresses.otlpHttpPort, "/v1/metrics", METRICS);
    const points = async (of: RunningCollector) =>
      Object.values(await of.values("points_stored_total"))[0];
    await vi.waitFor(async () => expect(await points(target)).toBeGreaterThanOrEqual(1), WAIT);
    await target[Symbol.asyncDispose]();
    await post(source.addresses.otlpHttpPort, "/v1/metrics", METRICS);
    const again = await collectors.target(target.addresses);
    await vi.waitFor(async () => expect(await points(again)).toBeGreaterThanOrEqual(1), WAIT);
    await vi.waitFor(
      async () => expect(await source.values("export_items_total")).toEqual({ metrics: 2 }),
      WAIT,
    );
    expect(await source.values("export_dropped_total")).toEqual({});
  },
);

test("a wrong token costs no data: it is tried until it is right", async () => {
  const target = await collectors.target();
  const file = await collectors.exporterFile("otlp", [
    `endpoint: localhost:${target.addresses.otlpGrpcPort}`,
  ]);
  const wrong = await collectors.start("source", [`--config=${file}`]);
  await sendLogs(wrong.addresses.otlpHttpPort, ["one"]);
  await stored(target, 1);
  await answered(wrong, 1);
  await target[Symbol.asyncDispose]();
  const ports = target.addresses;
  const strict = await collectors.start("target", [
    `--otlp-grpc-port=${ports.otlpGrpcPort}`,
    "--otlp-http-port=0",
    "--otlp-token=another",
  ]);
  await sendLogs(wrong.addresses.otlpHttpPort, ["two"]);
  await vi.waitFor(
    async () =>
      expect(await wrong.values("export_failures_total")).toHaveProperty("unauthenticated"),
    WAIT,
  );
  await strict[Symbol.asyncDispose]();
  await stored(await collectors.target(ports), 1);
});

test("SIGKILL of the exporting collector loses nothing, and repeats no more than was not stored yet", async () => {
  const target = await collectors.target();
  const [id, endpoint] = EXPORTERS["OTLP/gRPC"](target);
  const file = await collectors.exporterFile(id, [endpoint]);
  const words = [`--config=${file}`];
  const [first, { otlpHttpPort }] = await collectors.spawn("source", words);
  await sendLogs(otlpHttpPort, numbered(1, 100));
  // By now the position is stored.
  await stored(target, 100);
  await systemClock.sleep(2_000);
  await target[Symbol.asyncDispose]();
  await sendLogs(otlpHttpPort, numbered(101, 200));
  await kill(first);

  const again = await collectors.target(target.addresses);
  const [second, addresses] = await collectors.spawn("source", words);
  await sendLogs(addresses.otlpHttpPort, numbered(201, 300));
  await stored(again, 200);
  // In mid-stream, with the target there.
  void sendLogs(addresses.otlpHttpPort, numbered(301, 2_000)).catch(() => {});
  await systemClock.sleep(300);
  await kill(second);
  const [, last] = await collectors.spawn("source", words);
  await sendLogs(last.otlpHttpPort, ["end"]);
  await settled(again);
  await again[Symbol.asyncDispose]();
  const texts = await collectors.storedTexts("target");
  const once = [...new Set(texts)];
  expect(once.slice(0, 300)).toEqual(numbered(1, 300));
  expect(once.slice(0, -1)).toEqual(numbered(1, once.length - 1));
  expect(once.at(-1)).toBe("end");
  expect(texts.slice(0, 300)).toEqual(numbered(1, 300));
}, 90_000);

describe("another target over HTTP", () => {
  /** Answers each request by its number, from 0. */
  async function answering(answer: (count: number) => [status: number, headers?: object]) {
    const times: number[] = [];
    const server = createServer((incoming, response) => {
      incoming.resume().on("end", () => {
        const [status, headers = {}] = answer(times.push(performance.now()) - 1);
        response.writeHead(status, headers as Record<string, string>).end();
      });
    }).listen(0, "localhost");
    await new Promise((resolve) => server.once("listening", resolve));
    const endpoint = `endpoint: http://localhost:${(server.address() as AddressInfo).port}`;
    const file = await collectors.exporterFile("otlphttp", [endpoint]);
    const source = await collectors.start("source", [`--config=${file}`]);
    return { source, times, [Symbol.dispose]: () => void server.close() };
  }

  test("is given the time that it asks for by Retry-After", async () => {
    using target = await answering((count) =>
      count === 0 ? [429, { "retry-after": "1" }] : [200],
    );
    await sendLogs(target.source.addresses.otlpHttpPort, ["one"]);
    await vi.waitFor(() => expect(target.times).toHaveLength(2), WAIT);
    expect(target.times[1]! - target.times[0]!).toBeGreaterThanOrEqual(999);
  });

  test("that refuses for good is counted, and export goes on", async () => {
    using target = await answering((count) => (count === 0 ? [400] : [200]));
    await sendLogs(target.source.addresses.otlpHttpPort, ["bad"]);
    await vi.waitFor(() => expect(target.times).toHaveLength(1), WAIT);
    await sendLogs(target.source.addresses.otlpHttpPort, ["good"]);
    await vi.waitFor(async () => {
      expect(await target.source.values("export_dropped_total")).toEqual({ http_400: 1 });
      expect(await target.source.values("export_items_total")).toEqual({ logs: 1 });
    }, WAIT);
  });

  test("is not followed to another address", async () => {
    using target = await answering(() => [307, { location: "http://localhost:1/" }]);
    await sendLogs(target.source.addresses.otlpHttpPort, ["one"]);
    await vi.waitFor(
      async () =>
        expect((await target.source.values("export_failures_total"))["http_307"]).toBeGreaterThan(
          1,
        ),
      WAIT,
    );
  });
});
