/** OTLP/HTTP, protobuf and JSON. Source: https://opentelemetry.io/docs/specs/otlp/#otlphttp */
import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import { fromJson, toBinary, toJsonString } from "@bufbuild/protobuf";
import { StatusSchema } from "@glassline/proto/google/status";
import { createHttpServer } from "@glassline/service/http";
import type {
  FastifyError,
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  FastifyServerOptions,
} from "fastify";

import { notMessage } from "../core/otlp-accept.ts";
import type { MemoryHold } from "../core/memory-budget.ts";
import { contentEncoding, readBody, unpack } from "./otlp-body.ts";
import type { OtlpDeps } from "./otlp-intake.ts";
import { REQUEST_MAX_BYTES, admit, refuse, traced } from "./otlp-intake.ts";
import { parseOtlpJson } from "./otlp-json.ts";
import { OtlpRefusal, STATUS_REGISTRY, statusOf } from "./otlp-refusal.ts";
import type { Signal } from "./otlp-signals.ts";
import { REMOTE_WRITE_PATH } from "./remote-write.ts";
import { SIGNALS } from "./otlp-signals.ts";

const JSON_TYPE = "application/json";
const PROTOBUF_TYPE = "application/x-protobuf";

export async function createOtlpHttpServer(
  deps: OtlpDeps,
  options: FastifyServerOptions,
): Promise<FastifyInstance> {
  const failFramework = (error: FastifyError, request: FastifyRequest, reply: FastifyReply) =>
    fail(deps, refusalOfFramework(error, request), request, reply);
  const server = createHttpServer({ ...options, frameworkErrors: failFramework });
  // In a scope of its own, since its errors have the form of OTLP.
  await server.register(async (scope) => {
    // Bodies are read by the handler, within the memory for OTLP.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser("*", (_request, _payload, done) => done(null));
    for (const signal of SIGNALS)
      scope.all(signal.path, (request, reply) => serve(signal, deps, request, reply));
    scope.setErrorHandler<FastifyError>(failFramework);
    scope.setNotFoundHandler((request, reply) =>
      fail(deps, unknownAddress(request), request, reply),
    );
  });
  return server;
}

/** What Fastify refuses by itself: an address that cannot be decoded, a content type that is none. */
function refusalOfFramework(error: FastifyError, request: FastifyRequest): unknown {
  const { statusCode = 500, message } = error;
  if (statusCode === 415) return unknownType(mediaType(request));
  if (statusCode >= 500) return error;
  return new OtlpRefusal("malformed", "invalid_argument", message, { cause: error });
}

async function serve(
  { method, append, answer }: Signal,
  deps: OtlpDeps,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  using hold = deps.memory.hold();
  try {
    requirePost(request, reply);
    admit(deps, request.headers.authorization);
    const bytes = await requestBytes(request, method.input, hold);
    const take = () => append(deps.pipeline, bytes);
    const rejections = await traced(deps, request.headers, take);
    return send(request, reply.code(200), method.output, answer(rejections));
  } catch (error) {
    return fail(deps, error, request, reply);
  }
}

function requirePost({ method, url }: FastifyRequest, reply: FastifyReply): void {
  if (method === "POST") return;
  void reply.header("allow", "POST");
  throw new OtlpRefusal("method", "unimplemented", `${url}: got ${method}, expected POST`, {
    httpStatus: 405,
  });
}

function unknownAddress({ method, url }: FastifyRequest): OtlpRefusal {
  const expected = [...SIGNALS.map(({ path }) => path), REMOTE_WRITE_PATH].join(", ");
  return new OtlpRefusal("address", "not_found", `${method} ${url}: expected POST ${expected}`);
}

/** The request as protobuf. Throws OtlpRefusal, RpcError. */
async function requestBytes(
  request: FastifyRequest,
  schema: DescMessage,
  hold: MemoryHold,
): Promise<Uint8Array> {
  const { headers, raw } = request;
  const type = mediaType(request);
  if (type !== JSON_TYPE && type !== PROTOBUF_TYPE) throw unknownType(type);
  const encoding = contentEncoding(headers["content-encoding"]);
  const contentLength = Number(headers["content-length"] ?? Number.NaN);
  const received = await readBody(raw, contentLength, hold, REQUEST_MAX_BYTES);
  const body =
    encoding === undefined ? received : await unpack(received, encoding, hold, REQUEST_MAX_BYTES);
  return type === JSON_TYPE ? protobufOf(schema, body) : body;
}

function unknownType(type: string): OtlpRefusal {
  const got = type === "" ? "none" : type;
  return new OtlpRefusal(
    "content_type",
    "invalid_argument",
    `content-type: got ${got}, expected ${PROTOBUF_TYPE} or ${JSON_TYPE}`,
    { httpStatus: 415 },
  );
}

function protobufOf(schema: DescMessage, body: Buffer): Uint8Array {
  try {
    const json = parseOtlpJson(body.toString("utf8"));
    return toBinary(schema, fromJson(schema, json, { ignoreUnknownFields: true }));
  } catch (error) {
    throw notMessage(schema, error);
  }
}

function fail(
  deps: OtlpDeps,
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const refusal = refuse(deps, error);
  // What is left of the body is read and forgotten, so that the connection can be used again.
  request.raw.resume();
  const { httpStatus, retryDelayMs } = refusal;
  if (retryDelayMs !== undefined) void reply.header("retry-after", Math.ceil(retryDelayMs / 1_000));
  return send(request, reply.code(httpStatus), StatusSchema, statusOf(refusal));
}

/** An answer has the content type of its request; JSON when that has one that is not OTLP's. */
function send<D extends DescMessage>(
  request: FastifyRequest,
  reply: FastifyReply,
  schema: D,
  message: MessageShape<D>,
): FastifyReply {
  if (mediaType(request) === PROTOBUF_TYPE)
    return reply.type(PROTOBUF_TYPE).send(Buffer.from(toBinary(schema, message)));
  const json = toJsonString(schema, message, { registry: STATUS_REGISTRY });
  return reply.type(JSON_TYPE).send(Buffer.from(json));
}

/** RFC 9110 section 8.3.1: without parameters, in lower case. */
function mediaType({ headers }: FastifyRequest): string {
  return (headers["content-type"] ?? "").split(";")[0]!.trim().toLowerCase();
}
