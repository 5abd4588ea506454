/** OTLP from anyone with the token: gRPC and HTTP (protobuf and JSON). Source: https://opentelemetry.io/docs/specs/otlp/ */
import { gunzipSync, zstdDecompressSync } from "node:zlib";

import type { DescMessage, JsonValue } from "@bufbuild/protobuf";
import { create, fromBinary, fromJson, toBinary, toJson } from "@bufbuild/protobuf";
import { RpcError, toRpcError } from "@glassline/proto/errors";
import {
  ExportMetricsServiceRequestSchema,
  ExportMetricsServiceResponseSchema,
  MetricsService,
} from "@glassline/proto/otlp/metrics-service";
import {
  ExportTraceServiceRequestSchema,
  ExportTraceServiceResponseSchema,
  TraceService,
} from "@glassline/proto/otlp/trace-service";
import type { CallContext } from "@glassline/proto/rpc";
import { addService } from "@glassline/proto/rpc";
import { LogRefusal } from "@glassline/segment-log";
import { requireToken } from "@glassline/service/token";
import type * as grpc from "@grpc/grpc-js";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";

import type { CollectorMetrics } from "../metrics.ts";
import type { Pipeline } from "../pipeline.ts";
import { otlpJson } from "./otlp-json.ts";

/** After the content encoding is taken off. */
export const REQUEST_MAX_BYTES = 8_388_608;
const RETRY_AFTER_S = 1;
const OWN_TOKEN = "this collector's: set OTEL_EXPORTER_OTLP_HEADERS=authorization=Bearer%20TOKEN";

export interface OtlpDeps {
  pipeline: Pipeline;
  metrics: CollectorMetrics;
  token: string;
}

/** The fields of a response message. */
type Answer = Record<string, unknown>;

/** The two signals, by the path of OTLP/HTTP. */
const SIGNALS = [
  {
    path: "/v1/metrics",
    request: ExportMetricsServiceRequestSchema,
    response: ExportMetricsServiceResponseSchema,
    append: appendMetrics,
  },
  {
    path: "/v1/traces",
    request: ExportTraceServiceRequestSchema,
    response: ExportTraceServiceResponseSchema,
    append: appendTraces,
  },
] as const;

async function appendMetrics(pipeline: Pipeline, request: Uint8Array): Promise<Answer> {
  const rejected = await pipeline.appendMetrics(request);
  if (rejected === 0) return {};
  return {
    partialSuccess: {
      rejectedDataPoints: BigInt(rejected),
      errorMessage: `${rejected} points have no metric name or no value`,
    },
  };
}

async function appendTraces(pipeline: Pipeline, request: Uint8Array): Promise<Answer> {
  await pipeline.appendTraces(request);
  return {};
}

export function addOtlpGrpc(server: grpc.Server, { pipeline, token }: OtlpDeps): void {
  const guard = ({ authorization }: CallContext) => requireToken(authorization, token, OWN_TOKEN);
  addService(server, MetricsService, {
    export: async (request, context) => {
      guard(context);
      return stored(() =>
        appendMetrics(pipeline, toBinary(ExportMetricsServiceRequestSchema, request)),
      );
    },
  });
  addService(server, TraceService, {
    export: async (request, context) => {
      guard(context);
      return stored(() =>
        appendTraces(pipeline, toBinary(ExportTraceServiceRequestSchema, request)),
      );
    },
  });
}

export function addOtlpHttp(server: FastifyInstance, { pipeline, metrics, token }: OtlpDeps): void {
  server.removeAllContentTypeParsers();
  server.addContentTypeParser(
    ["application/json", "application/x-protobuf"],
    { parseAs: "buffer" },
    (_request, body, done) => done(null, body),
  );
  for (const { path, request: schema, response, append } of SIGNALS) {
    server.post(path, async (request, reply) => {
      try {
        requireToken(request.headers.authorization, token, OWN_TOKEN);
        const bytes = requestBytes(request, schema);
        const answer = await stored(() => append(pipeline, bytes));
        return sendMessage(request, reply, 200, response, answer);
      } catch (error) {
        const rpcError = toRpcError(error);
        metrics.dropped.inc({ reason: `otlp_${rpcError.code}` });
        if (rpcError.code === "unavailable") void reply.header("retry-after", RETRY_AFTER_S);
        return reply
          .code(rpcError.httpStatus)
          .send({ code: rpcError.grpcStatus, message: rpcError.message });
      }
    });
  }
}

/** A refusal of the log is "unavailable": the sender keeps its data and tries again. */
async function stored<T>(append: () => Promise<T>): Promise<T> {
  try {
    return await append();
  } catch (error) {
    if (error instanceof LogRefusal)
      throw new RpcError("unavailable", error.message, { cause: error });
    throw error;
  }
}

function requestBytes(request: FastifyRequest, schema: DescMessage): Uint8Array {
  const encoded = request.body as Buffer | undefined;
  if (!encoded)
    throw new RpcError(
      "invalid_argument",
      "body: got none, expected application/x-protobuf or application/json",
    );
  const body = decodeContent(encoded, request.headers["content-encoding"]);
  try {
    if (isJson(request))
      return toBinary(
        schema,
        fromJson(schema, otlpJson(JSON.parse(body.toString("utf8")) as JsonValue), {
          ignoreUnknownFields: true,
        }),
      );
    fromBinary(schema, body);
    return body;
  } catch (error) {
    throw new RpcError(
      "invalid_argument",
      `body: got bytes that are not ${schema.typeName}: ${(error as Error).message}`,
      { cause: error },
    );
  }
}

function decodeContent(body: Buffer, encoding: string | undefined): Buffer {
  try {
    switch (encoding) {
      case undefined:
      case "identity":
        return body;
      case "gzip":
        return gunzipSync(body, { maxOutputLength: REQUEST_MAX_BYTES });
      case "zstd":
        return zstdDecompressSync(body, { maxOutputLength: REQUEST_MAX_BYTES });
    }
  } catch (error) {
    throw new RpcError(
      "invalid_argument",
      `body: got bytes that are not ${encoding} of at most ${REQUEST_MAX_BYTES} bytes`,
      { cause: error },
    );
  }
  throw new RpcError(
    "invalid_argument",
    `content-encoding: got ${encoding}, expected identity, gzip or zstd`,
  );
}

const isJson = (request: FastifyRequest) =>
  request.headers["content-type"]?.startsWith("application/json") ?? false;

function sendMessage(
  request: FastifyRequest,
  reply: FastifyReply,
  status: number,
  schema: DescMessage,
  message: Answer,
) {
  const answer = create(schema, message);
  if (isJson(request)) return reply.code(status).send(toJson(schema, answer));
  return reply
    .code(status)
    .type("application/x-protobuf")
    .send(Buffer.from(toBinary(schema, answer)));
}
