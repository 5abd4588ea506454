/** Twice as much as fits: the bound on memory holds, each refusal is counted, and what was acknowledged is stored. */
import type { ClientRequest, IncomingMessage } from "node:http";
import { once } from "node:events";
import { request } from "node:https";

import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { ExportMetricsServiceRequestSchema } from "@glassline/proto/otlp/metrics-service";
import { systemClock } from "@glassline/service/clock";
import { closeGrpc, listenGrpc } from "@glassline/service/grpc";
import { createMetrics } from "@glassline/service/metrics";
import * as grpc from "@grpc/grpc-js";
import { trace } from "@opentelemetry/api";
import { expect, test } from "vitest";

import { MemoryBudget } from "../core/memory-budget.ts";
import { Rejections } from "../core/otlp-rejections.ts";
import { collectorMetrics } from "../metrics.ts";
import type { Pipeline } from "../pipeline.ts";
import { createOtlpGrpcServer } from "./otlp-grpc.ts";
import type { OtlpCollector } from "./otlp.testing.ts";
import { AUTHORIZATION, TOKEN, callGrpc, send, startOtlpCollector } from "./otlp.testing.ts";

const MEMORY_BYTES = 16_777_216;
const BODY_BYTES = 524_288;
const SENDERS = (2 * MEMORY_BYTES) / BODY_BYTES;
const HEADERS = { authorization: AUTHORIZATION, "content-type": "application/x-protobuf" };

/** A request of exactly so many bytes with one point of a metric of this name. */
function bodyOf(name: string): Uint8Array {
  const dataPoints = [{ timeUnixNano: 1n, value: { case: "asInt" as const, value: 1n } }];
  const encode = (description: string) =>
    toBinary(
      ExportMetricsServiceRequestSchema,
      create(ExportMetricsServiceRequestSchema, {
        resourceMetrics: [
          {
            scopeMetrics: [
              {
                metrics: [{ name, description, data: { case: "gauge", value: { dataPoints } } }],
              },
            ],
          },
        ],
      }),
    );
  const draft = encode("x".repeat(BODY_BYTES - 100));
  return encode("x".repeat(BODY_BYTES - 100 + BODY_BYTES - draft.length));
}

interface Sender {
  name: string;
  call: ClientRequest;
  body: Uint8Array;
  status: Promise<number>;
}

/** Announces a body, and sends the first half of it. */
function begin({ ca, addresses }: OtlpCollector, name: string): Sender {
  const body = bodyOf(name);
  const call = request({
    host: "localhost",
    port: addresses.otlpHttpPort,
    path: "/v1/metrics",
    method: "POST",
    agent: false,
    ca,
    headers: { ...HEADERS, "content-length": body.length },
  });
  const status = once(call, "response").then(([response]) => {
    (response as IncomingMessage).resume();
    return (response as IncomingMessage).statusCode!;
  });
  call.write(body.subarray(0, body.length / 2));
  return { name, call, body, status };
}

test("senders over HTTP share the memory; those who come too late try again", async () => {
  await using collector = await startOtlpCollector(`--otlp-memory=16MiB`);
  const senders = Array.from({ length: SENDERS }, (_, at) => begin(collector, `metric-${at}`));
  const settled = new Map<string, number>();
  for (const { name, status } of senders) void status.then((code) => void settled.set(name, code));
  while (settled.size < SENDERS / 2) await systemClock.sleep(10);

  const held = await collector.values("otlp_bytes_in_flight");
  expect(held).toEqual({ "": MEMORY_BYTES });
  expect([...settled.values()].every((code) => code === 503)).toBe(true);
  const another = await send(collector, { headers: HEADERS, body: bodyOf("another") });
  expect(another).toMatchObject({ status: 503, headers: { "retry-after": "1" } });
  const credentials = grpc.credentials.createSsl(Buffer.from(collector.ca));
  await expect(
    callGrpc(collector.grpcAddress, credentials, new Uint8Array(8)),
  ).rejects.toMatchObject({ code: grpc.status.UNAVAILABLE });
  const refusals = { "reason=memory": SENDERS / 2 + 2 };
  expect(await collector.values("otlp_requests_refused_total")).toEqual(refusals);

  const admitted = senders.filter(({ name }) => !settled.has(name));
  for (const { call, body } of admitted) call.end(body.subarray(body.length / 2));
  expect(new Set(await Promise.all(admitted.map(({ status }) => status)))).toEqual(new Set([200]));
  expect(await collector.values("otlp_bytes_in_flight")).toEqual({ "": 0 });
  const late = senders.filter((sender) => !admitted.includes(sender));
  for (const { call, body } of late) {
    call.destroy();
    expect((await send(collector, { headers: HEADERS, body })).status).toBe(200);
  }

  const stored = (await collector.stored()).map((record) => {
    const { resourceMetrics } = fromBinary(
      ExportMetricsServiceRequestSchema,
      record.value as Uint8Array,
    );
    return resourceMetrics[0]!.scopeMetrics[0]!.metrics[0]!.name;
  });
  expect(stored.toSorted()).toEqual(senders.map(({ name }) => name).toSorted());
});

test("senders over gRPC share the memory while their requests wait for the disk", async () => {
  const metrics = collectorMetrics(createMetrics("collector"));
  const tracer = trace.getTracer("test");
  const [bodyBytes, senders] = [65_536, 32];
  let mostBytes = 0;
  const memory = new MemoryBudget(
    (bodyBytes * senders) / 2,
    (bytes) => (mostBytes = Math.max(mostBytes, bytes)),
  );
  const disk = Promise.withResolvers<void>();
  let stored = 0;
  const appendTraces = () => disk.promise.then(() => (stored++, new Rejections()));
  const pipeline = { appendTraces } as unknown as Pipeline;
  const server = createOtlpGrpcServer({ pipeline, metrics, memory, tracer, token: TOKEN });
  const insecure = grpc.ServerCredentials.createInsecure();
  const port = await listenGrpc(server, "test", "127.0.0.1", 0, insecure);
  const clear = grpc.credentials.createInsecure();

  const refused = async () => (await metrics.otlpRefused.get()).values[0]?.value ?? 0;
  const calls = Array.from({ length: senders }, () =>
    callGrpc(`127.0.0.1:${port}`, clear, new Uint8Array(bodyBytes)).then(
      () => true,
      (error: grpc.ServiceError) => {
        expect(error.code).toBe(grpc.status.UNAVAILABLE);
        return false;
      },
    ),
  );
  while ((await refused()) < senders / 2) await systemClock.sleep(10);
  disk.resolve();
  const acknowledged = (await Promise.all(calls)).filter(Boolean).length;
  expect([acknowledged, stored, await refused()]).toEqual(Array(3).fill(senders / 2));
  expect(mostBytes).toBe(memory.maxBytes);
  expect(memory.bytes).toBe(0);
  const { values } = await metrics.otlpRefused.get();
  expect(values).toMatchObject([{ labels: { reason: "memory" } }]);
  await closeGrpc(server, 0);
});
