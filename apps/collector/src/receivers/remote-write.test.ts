/** Remote write as senders speak it: content negotiation, what is stored, what is told. Real senders: apps/stack/src/prometheus.test.ts. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { create, toBinary } from "@bufbuild/protobuf";
import { jsonClient } from "@glassline/proto/json";
import { RequestSchema } from "@glassline/proto/prometheus/write-v2";
import { WriteRequestSchema } from "@glassline/proto/prometheus/remote";
import { QueryService } from "@glassline/proto/query";
import { compress } from "@glassline/remote-write/snappy";
import { LogRefusal } from "@glassline/segment-log";
import { systemClock } from "@glassline/service/clock";
import { createHttpServer } from "@glassline/service/http";
import { createMetrics } from "@glassline/service/metrics";
import { ephemeralPki } from "@glassline/service/pki";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import type { Collector } from "../collector.ts";
import { startByFlags } from "../collector.testing.ts";
import { MemoryBudget } from "../core/memory-budget.ts";
import { Rejections } from "../core/otlp-rejections.ts";
import { collectorMetrics } from "../metrics.ts";
import { REMOTE_WRITE_PATH, addRemoteWrite } from "./remote-write.ts";

const TOKEN = "a-token-for-tests";
const V1 = {
  authorization: `Bearer ${TOKEN}`,
  "content-type": "application/x-protobuf",
  "content-encoding": "snappy",
  "x-prometheus-remote-write-version": "0.1.0",
};
const V2 = {
  ...V1,
  "content-type": "application/x-protobuf;proto=io.prometheus.write.v2.Request",
  "x-prometheus-remote-write-version": "2.0.0",
};

const text = (value: string) => new Uint8Array(Buffer.from(value));
const bitsOf = (value: number) => {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  return view.getBigUint64(0);
};

/** A request of 1.0 with one sample of each series. */
function requestV1(...series: Record<string, string>[]): Uint8Array {
  const timeseries = series.map((labels) => ({
    labels: Object.entries(labels).map(([name, value]) => ({
      name: text(name),
      value: text(value),
    })),
    samples: [{ value: bitsOf(21.5), timestamp: BigInt(Date.now()) }],
  }));
  return toBinary(WriteRequestSchema, create(WriteRequestSchema, { timeseries }));
}

/** A request of 2.0: a counter with an exemplar, a native histogram, and one that OTLP cannot say when `withGauge`. */
function requestV2(instance: string, withGauge = false): Uint8Array {
  const symbols = [
    "",
    "__name__",
    "frames_total",
    "instance",
    instance,
    "latency",
    "trace_id",
    "x",
  ];
  const timestamp = BigInt(Date.now());
  const histogram = {
    count: { case: "countInt" as const, value: 3n },
    sum: bitsOf(1.5),
    positiveSpans: [{ offset: 0, length: 1 }],
    positiveDeltas: [3n],
    timestamp,
  };
  const latency = { labelsRefs: [1, 5, 3, 4], metadata: { type: 3 as const } };
  return toBinary(
    RequestSchema,
    create(RequestSchema, {
      symbols: symbols.map(text),
      timeseries: [
        {
          labelsRefs: [1, 2, 3, 4],
          samples: [{ value: bitsOf(7), timestamp, startTimestamp: 1n }],
          exemplars: [{ labelsRefs: [6, 7], value: 1, timestamp }],
          metadata: { type: 1 },
        },
        { ...latency, histograms: [histogram] },
        ...(withGauge
          ? [{ ...latency, histograms: [{ ...histogram, resetHint: 3 as const }] }]
          : []),
      ],
    }),
  );
}

let directory: string;
let collector: Collector;
let query: ReturnType<typeof jsonClient<typeof QueryService>>;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "glassline-remote-write-"));
  const words = ["port", "admin-port", "otlp-grpc-port", "otlp-http-port"].map(
    (port) => `--${port}=0`,
  );
  const identity = await (await ephemeralPki())({ role: "collector", instance: "collector" });
  collector = await startByFlags(
    [...words, "--otlp-plaintext", `--data-dir=${directory}`, `--otlp-token=${TOKEN}`],
    identity,
  );
  query = jsonClient(QueryService, `http://localhost:${collector.addresses.adminPort}`);
});
afterAll(async () => {
  await collector[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});

const post = (body: Uint8Array, headers: Record<string, string>) =>
  fetch(`http://localhost:${collector.addresses.otlpHttpPort}${REMOTE_WRITE_PATH}`, {
    method: "POST",
    body: new Uint8Array(body),
    headers,
  });

const writtenIn = ({ headers }: Response) =>
  ["samples", "histograms", "exemplars"].map((kind) =>
    headers.get(`x-prometheus-remote-write-${kind}-written`),
  );

async function latestOf(cameraId: string) {
  const { samples } = await query.getLatest({ cameraId });
  return samples.map(({ series, value }) => [series!.metric, value] as const);
}

describe("what is written", () => {
  test.each([V1["content-type"], `${V1["content-type"]}; proto="prometheus.WriteRequest"`])(
    "by 1.0 is stored and shown (%s)",
    async (contentType) => {
      const instance = `host:${contentType.length}`;
      const body = compress(requestV1({ __name__: "temperature", instance, job: "node" }));
      const response = await post(body, { ...V1, "content-type": contentType });
      expect([response.status, await response.text()]).toEqual([204, ""]);
      expect(await latestOf(instance)).toEqual([["temperature", 21.5]]);
    },
  );

  test("is posted: other methods are told so", async () => {
    const address = `http://localhost:${collector.addresses.otlpHttpPort}${REMOTE_WRITE_PATH}`;
    const response = await fetch(address);
    expect([response.status, response.headers.get("allow")]).toEqual([405, "POST"]);
    expect(await response.text()).toBe("/api/v1/write: got GET, expected POST\n");
  });

  test("by 2.0 is stored and shown, and counted in the answer", async () => {
    const response = await post(compress(requestV2("camera-2")), V2);
    expect([response.status, ...writtenIn(response)]).toEqual([204, "1", "1", "1"]);
    expect(await latestOf("camera-2")).toEqual([
      ["frames_total", 7],
      ["latency.count", 3],
      ["latency.sum", 1.5],
    ]);
  });

  test("of a request that is partly invalid is what is valid, and the rest is told and counted", async () => {
    const good = { __name__: "temperature", instance: "partly" };
    const body = compress(requestV1(good, { instance: "partly" }, { __name__: "a", x: "", y: "" }));
    const response = await post(body, V1);
    expect(response.status).toBe(400);
    expect(await response.text()).toMatch(
      /rejected 2 samples, histograms or exemplars \(1 no_metric_name, 1 empty_label\)/,
    );
    expect(await latestOf("partly")).toEqual([["temperature", 21.5]]);
    const histograms = await post(compress(requestV2("partly-2", true)), V2);
    expect([histograms.status, ...writtenIn(histograms)]).toEqual([400, "1", "1", "1"]);
    const admin = `http://localhost:${collector.addresses.adminPort}/metrics`;
    const metrics = await (await fetch(admin)).text();
    expect(metrics).toMatch(/points_stored_total\{receiver="remote_write",.*\} [1-9]/);
    for (const reason of ["no_metric_name", "empty_label", "gauge_histogram"])
      expect(metrics).toContain(`dropped_total{reason="remote_write_${reason}"`);
  });

  test("may be the end of a series, which is stored and shows no new value", async () => {
    const symbols = ["", "__name__", "up", "instance", "ended", "latency"].map(text);
    const stale = 0x7ff0_0000_0000_0002n;
    const write = (value: bigint, timestamp: bigint) => {
      const count = { case: "countInt" as const, value: value === stale ? 0n : 3n };
      const spans = { positiveSpans: [{ offset: 0, length: 1 }], positiveDeltas: [count.value] };
      const timeseries = [
        { labelsRefs: [1, 2, 3, 4], samples: [{ value, timestamp }] },
        { labelsRefs: [1, 5, 3, 4], histograms: [{ count, sum: value, ...spans, timestamp }] },
      ];
      const body = toBinary(RequestSchema, create(RequestSchema, { symbols, timeseries }));
      return post(compress(body), V2);
    };
    const nowMs = BigInt(Date.now());
    expect(writtenIn(await write(bitsOf(1), nowMs - 1_000n))).toEqual(["1", "1", "0"]);
    expect(writtenIn(await write(stale, nowMs))).toEqual(["1", "1", "0"]);
    expect(Object.fromEntries(await latestOf("ended"))).toEqual({
      up: 1,
      "latency.count": 3,
      "latency.sum": 1,
    });
  });

  test("may be nothing: metadata comes in requests of its own", async () => {
    const metadata = [{ type: 1 as const, metricFamilyName: text("a") }];
    const body = toBinary(WriteRequestSchema, create(WriteRequestSchema, { metadata }));
    expect((await post(compress(body), V1)).status).toBe(204);
  });
});

describe("what is refused", () => {
  const { authorization: _, ...anonymous } = V1;
  const { "content-encoding": _encoding, ...plain } = V1;
  const body = compress(requestV1({ __name__: "up" }));
  test.each([
    ["no token", body, anonymous, 401, /authorization: got no authorization/],
    ["another token", body, { ...V1, authorization: "Bearer x" }, 401, /got another token/],
    [
      "JSON",
      body,
      { ...V1, "content-type": "application/json" },
      415,
      /got application\/json, expec/,
    ],
    ["a picture", body, { ...V1, "content-type": "image/png" }, 415, /got image\/png, expected/],
    [
      "a message that is not known",
      body,
      { ...V1, "content-type": "application/x-protobuf;proto=io.prometheus.write.v3.Request" },
      415,
      /v3.Request, expected application\/x-protobuf with proto=prometheus.WriteRequest or/,
    ],
    ["no compression", body, plain, 415, /content-encoding: got none, expected snappy/],
    ["gzip", body, { ...V1, "content-encoding": "gzip" }, 415, /got gzip, expected snappy/],
    [
      "a version that is not known",
      body,
      { ...V1, "x-prometheus-remote-write-version": "3.0.0" },
      415,
      /version: got 3.0.0, expected 0.1.0 or 2.0.0/,
    ],
    ["no block of Snappy", text("0000"), V1, 400, /snappy: got/],
    ["no body", new Uint8Array(), V1, 400, /snappy: got the end of the block/],
    ["no message", compress(text("zzzz")), V1, 400, /not prometheus.WriteRequest/],
    ["no message of 2.0", compress(text("zzzz")), V2, 400, /not io.prometheus.write.v2.Request/],
    ["a bomb", compress(new Uint8Array(16_777_216)), V1, 413, /got a block of 16777216 bytes/],
    [
      "too much",
      new Uint8Array(16_777_216),
      V1,
      413,
      /got 16777216 bytes, expected at most 8388608/,
    ],
  ])("is told why: %s", async (_name, bytes, headers, status, message) => {
    const response = await post(bytes, headers);
    expect(response.status).toBe(status);
    expect(await response.text()).toMatch(message);
  });
});

describe("a log that is behind", () => {
  test("takes as many requests as memory holds; of twice as many the rest is to come again", async () => {
    const disk = Promise.withResolvers<void>();
    let [stored, mostBytes] = [0, 0];
    const appendMetrics = () => disk.promise.then(() => (stored++, new Rejections()));
    const metrics = collectorMetrics(createMetrics("collector"));
    const payload = Buffer.from(compress(requestV1({ __name__: "up", note: "x".repeat(60_000) })));
    const memory = new MemoryBudget(1_048_576, (bytes) => (mostBytes = Math.max(mostBytes, bytes)));
    const server = createHttpServer();
    addRemoteWrite(server, { pipeline: { appendMetrics }, metrics, memory, token: TOKEN });
    const answers: number[] = [];
    const send = async () => {
      const request = { method: "POST", url: REMOTE_WRITE_PATH, headers: V1, payload } as const;
      const { statusCode, headers, body } = await server.inject(request);
      if (statusCode === 503) expect(headers).toMatchObject({ "retry-after": "1" });
      if (statusCode === 503) expect(body).toMatch(/expected at most 1048576 bytes of all senders/);
      answers.push(statusCode);
    };
    const senders = 2 * Math.floor(memory.maxBytes / 60_000);
    const all = Promise.all(Array.from({ length: senders }, send));
    while (answers.length < senders / 2) await systemClock.sleep(10);
    expect(new Set(answers)).toEqual(new Set([503]));
    const refused = answers.length;
    expect(memory.bytes).toBeGreaterThan(memory.maxBytes / 2);
    disk.resolve();
    await all;
    expect([stored, answers.filter((status) => status === 204).length]).toEqual(
      Array(2).fill(senders - refused),
    );
    const { values } = await metrics.dropped.get();
    expect(values).toMatchObject([{ labels: { reason: "remote_write_memory" }, value: refused }]);
    expect(mostBytes).toBeLessThanOrEqual(memory.maxBytes);
    expect(memory.bytes).toBe(0);
    await send();
    expect(answers.at(-1)).toBe(204);
  });
});

describe("a log that refuses", () => {
  async function answerTo(reason: LogRefusal["reason"], headers: Record<string, string>) {
    const appendMetrics = () => Promise.reject(new LogRefusal(reason, `the log is ${reason}`));
    const metrics = collectorMetrics(createMetrics("collector"));
    const memory = new MemoryBudget(67_108_864);
    const deps = { pipeline: { appendMetrics }, metrics, memory, token: TOKEN };
    const server = createHttpServer();
    addRemoteWrite(server, deps);
    const payload = Buffer.from(compress(requestV2("a")));
    return server.inject({ method: "POST", url: REMOTE_WRITE_PATH, headers, payload });
  }

  test.each(["full", "busy", "disk", "closed"] as const)(
    "because it is %s makes the sender try again",
    async (reason) => {
      const { statusCode, headers, body } = await answerTo(reason, V2);
      expect(statusCode).toBe(503);
      expect(headers).toMatchObject({
        "retry-after": "1",
        "x-prometheus-remote-write-samples-written": "0",
      });
      expect(body).toBe(`the log is ${reason}\n`);
    },
  );

  test("because the request is too large does not", async () => {
    expect((await answerTo("too-large", V2)).statusCode).toBe(413);
  });
});
