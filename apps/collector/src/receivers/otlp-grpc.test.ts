/** OTLP/gRPC on the wire: what is told of a part, and the statuses of refusals with their details. */
import { once } from "node:events";
import { connect } from "node:http2";
import { gzipSync, zstdCompressSync } from "node:zlib";

import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { RetryInfoSchema } from "@glassline/proto/google/error-details";
import { StatusSchema } from "@glassline/proto/google/status";
import {
  ExportTraceServiceRequestSchema,
  ExportTraceServiceResponseSchema,
} from "@glassline/proto/otlp/trace-service";
import * as grpc from "@grpc/grpc-js";
import { trace } from "@opentelemetry/api";
import { describe, expect, test } from "vitest";

import { createMetrics } from "@glassline/service/metrics";
import { closeGrpc, listenGrpc } from "@glassline/service/grpc";
import { LogRefusal } from "@glassline/segment-log";

import { MemoryBudget } from "../core/memory-budget.ts";
import { collectorMetrics } from "../metrics.ts";
import type { Pipeline } from "../pipeline.ts";
import { createOtlpGrpcServer } from "./otlp-grpc.ts";
import type { OtlpCollector } from "./otlp.testing.ts";
import { AUTHORIZATION, TOKEN, callGrpc, startOtlpCollector } from "./otlp.testing.ts";

const callOf = (collector: OtlpCollector, body: Uint8Array, options = {}) =>
  callGrpc(
    collector.grpcAddress,
    grpc.credentials.createSsl(Buffer.from(collector.ca)),
    body,
    options,
  );

const refusalIn = (call: Promise<unknown>): Promise<grpc.ServiceError> =>
  call.then(
    () => Promise.reject(new Error("got an answer, expected a refusal")),
    (error: grpc.ServiceError) => error,
  );

function detailsOf({ metadata }: grpc.ServiceError) {
  const [bytes] = metadata.get("grpc-status-details-bin");
  return bytes === undefined ? undefined : fromBinary(StatusSchema, bytes as Buffer);
}

const span = (idBytes: number) => ({
  traceId: Buffer.alloc(16, 1),
  spanId: Buffer.alloc(idBytes, 1),
});
const traces = (...spans: object[]) =>
  toBinary(
    ExportTraceServiceRequestSchema,
    create(ExportTraceServiceRequestSchema, { resourceSpans: [{ scopeSpans: [{ spans }] }] }),
  );

describe("a request", () => {
  test.each([false, true])("is taken, but for what is told; packed: %s", async (isPacked) => {
    await using collector = await startOtlpCollector();
    const answer = await callOf(collector, traces(span(8), span(5)), { isPacked });
    const { partialSuccess } = fromBinary(ExportTraceServiceResponseSchema, answer);
    expect(partialSuccess).toMatchObject({
      rejectedSpans: 1n,
      errorMessage: "1 span: span_id: got 5 bytes, expected 8 bytes that are not all zero",
    });
    expect(await collector.stored()).toEqual([
      { case: "otlpTraces", value: Buffer.from(traces(span(8))) },
    ]);
  });

  test("is stored byte by byte, also with fields that are unknown here", async () => {
    await using collector = await startOtlpCollector();
    const unknown = Buffer.from([0xfa, 0x3e, 0x01, 0x78]);
    const request = Buffer.concat([unknown, traces(span(8))]);
    expect(await callOf(collector, request)).toHaveLength(0);
    expect(await collector.stored()).toEqual([{ case: "otlpTraces", value: request }]);
  });
});

/** One call with a message that says it is packed so. @returns grpc-status. */
async function callPacked(collector: OtlpCollector, encoding: string, packed: Buffer) {
  const session = connect(`https://${collector.grpcAddress}`, { ca: collector.ca });
  const call = session.request({
    ":method": "POST",
    ":path": "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    "content-type": "application/grpc",
    "grpc-encoding": encoding,
    te: "trailers",
    authorization: AUTHORIZATION,
  });
  let status: unknown;
  // The status comes with the headers when there is no answer.
  for (const name of ["response", "trailers"] as const)
    call.on(
      name,
      (headers: Record<string, unknown>) => (status = headers["grpc-status"] ?? status),
    );
  const head = Buffer.alloc(5);
  head[0] = 1;
  head.writeUInt32BE(packed.length, 1);
  call.resume().end(Buffer.concat([head, packed]));
  await once(call, "close");
  session.close();
  return Number(status);
}

describe("a refusal", () => {
  test("meets zstd, which grpc-js cannot unpack, and is counted", async () => {
    await using collector = await startOtlpCollector();
    const request = traces(span(8));
    expect(await callPacked(collector, "gzip", gzipSync(request))).toBe(grpc.status.OK);
    const zstd = await callPacked(collector, "zstd", zstdCompressSync(request));
    expect(zstd).toBe(grpc.status.UNIMPLEMENTED);
    expect(await collector.values("otlp_requests_refused_total")).toEqual({
      "reason=not_received": 1,
    });
  });

  test("is not to be tried again, but for overload", async () => {
    await using collector = await startOtlpCollector();
    const malformed = await refusalIn(callOf(collector, Buffer.from("zzzz")));
    expect(malformed).toMatchObject({ code: grpc.status.INVALID_ARGUMENT });
    expect(detailsOf(malformed)).toMatchObject({ code: 3, details: [] });
    const stranger = await refusalIn(callOf(collector, traces(), { authorization: "Bearer x" }));
    expect(stranger).toMatchObject({ code: grpc.status.UNAUTHENTICATED });
    expect(stranger.details).toMatch(/got another token, expected this collector's/);

    for (const isPacked of [false, true]) {
      const large = await refusalIn(callOf(collector, Buffer.alloc(16_777_216), { isPacked }));
      expect(large).toMatchObject({ code: grpc.status.RESOURCE_EXHAUSTED });
      expect(detailsOf(large)).toBeUndefined();
    }
    expect(await collector.values("otlp_requests_refused_total")).toEqual({
      "reason=malformed": 1,
      "reason=unauthenticated": 1,
      "reason=not_received": 2,
    });
    expect(await collector.values("otlp_bytes_in_flight")).toEqual({ "": 0 });
  });

  test.each([
    ["a log that is busy", 16, "log_busy"],
    ["memory that is taken", 0, "memory"],
  ])("for %s tells when to try again", async (_name, maxBytes, reason) => {
    const metrics = collectorMetrics(createMetrics("collector"));
    const tracer = trace.getTracer("test");
    const busy = () => Promise.reject(new LogRefusal("busy", "the disk is behind"));
    const pipeline = { appendTraces: busy } as unknown as Pipeline;
    const memory = new MemoryBudget(maxBytes);
    const server = createOtlpGrpcServer({ pipeline, metrics, memory, tracer, token: TOKEN });
    const insecure = grpc.ServerCredentials.createInsecure();
    const port = await listenGrpc(server, "test", "127.0.0.1", 0, insecure);
    const clear = grpc.credentials.createInsecure();
    const refusal = await refusalIn(callGrpc(`127.0.0.1:${port}`, clear, Buffer.alloc(8)));
    expect(refusal.code).toBe(grpc.status.UNAVAILABLE);
    const { code, details } = detailsOf(refusal)!;
    expect(code).toBe(grpc.status.UNAVAILABLE);
    expect(anyUnpack(details[0]!, RetryInfoSchema)!.retryDelay).toMatchObject({ seconds: 1n });
    const { values } = await metrics.otlpRefused.get();
    expect(values).toMatchObject([{ labels: { reason }, value: 1 }]);
    await closeGrpc(server, 0);
  });
});
