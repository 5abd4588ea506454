/**
 * Prometheus remote write 1.0 and 2.0, from anyone with OTLP's token. A request is stored as the OTLP request that says the same.
 * Source: https://prometheus.io/docs/specs/prw/remote_write_spec/, https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/
 */
import { toBinary } from "@bufbuild/protobuf";
import { toRpcError } from "@glassline/proto/errors";
import { ExportMetricsServiceRequestSchema } from "@glassline/proto/otlp/metrics-service";
import type { DecodedRequest, MessageName } from "@glassline/remote-write/decode";
import { MESSAGES, decodeRequest } from "@glassline/remote-write/decode";
import { RequestError } from "@glassline/remote-write/errors";
import { LIMITS } from "@glassline/remote-write/limits";
import { decompress, decompressedBytes } from "@glassline/remote-write/snappy";
import { LogRefusal } from "@glassline/segment-log";
import { requireToken } from "@glassline/service/token";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";

import type { MemoryBudget, MemoryHold } from "../core/memory-budget.ts";
import type { CollectorMetrics } from "../metrics.ts";
import type { Pipeline } from "../pipeline.ts";
import { readBody, take } from "./otlp-body.ts";
import { OtlpRefusal } from "./otlp-refusal.ts";

export const REMOTE_WRITE_PATH = "/api/v1/write";
const RETRY_AFTER_S = 1;
const OWN_TOKEN = "this collector's: set authorization.credentials in remote_write";
const MEDIA_TYPE = "application/x-protobuf";
const VERSION_HEADER = "x-prometheus-remote-write-version";

export interface RemoteWriteDeps {
  pipeline: Pick<Pipeline, "appendMetrics">;
  metrics: CollectorMetrics;
  /** Shared with OTLP. */
  memory: MemoryBudget;
  /** Undefined: whoever reaches the port may send. */
  token: string | undefined;
}

/** Nothing of a request was stored, or not all of it. Senders repeat it when the status is 5xx, and only then. */
class Refusal extends Error {
  override readonly name = "Refusal";
  readonly status: number;
  readonly reason: string;

  constructor(status: number, reason: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
    this.reason = reason;
  }
}

const NOTHING: DecodedRequest["written"] = { samples: 0, histograms: 0, exemplars: 0 };

/** In a scope of its own, since bodies are read by the handler, within the memory for OTLP. */
export function addRemoteWrite(server: FastifyInstance, deps: RemoteWriteDeps): void {
  server.removeAllContentTypeParsers();
  server.addContentTypeParser("*", (_request, _payload, done) => done(null));
  server.all(REMOTE_WRITE_PATH, async (request, reply) => {
    using hold = deps.memory.hold();
    try {
      requirePost(request, reply);
      if (deps.token !== undefined)
        requireToken(request.headers.authorization, deps.token, OWN_TOKEN);
      const message = messageOf(request);
      // Whatever comes, 2.0 is told how much of it was written.
      tellWritten(reply, message, NOTHING);
      const decoded = decodeRequest(message, await bodyOf(request, hold));
      await store(decoded, hold, deps);
      tellWritten(reply, message, decoded.written);
      return answer(decoded, deps, reply);
    } catch (error) {
      const { status, reason, message } = refusalOf(error);
      deps.metrics.dropped.inc({ reason: `remote_write_${reason.replace("-", "_")}` });
      // What is left of the body is read and forgotten, so that the connection can be used again.
      request.raw.resume();
      if (status === 503) void reply.header("retry-after", RETRY_AFTER_S);
      return reply.code(status).type("text/plain; charset=utf-8").send(`${message}\n`);
    }
  });
}

function requirePost({ method }: FastifyRequest, reply: FastifyReply): void {
  if (method === "POST") return;
  void reply.header("allow", "POST");
  throw new Refusal(405, "method", `${REMOTE_WRITE_PATH}: got ${method}, expected POST`);
}

/** Which message the body is; Content-Type decides. Throws Refusal 415 for what is not known. */
function messageOf({ headers }: FastifyRequest): MessageName {
  const [type = "", ...parameters] = (headers["content-type"] ?? "").split(";");
  const proto = parameters
    .map((parameter) => /^\s*proto\s*=\s*"?([^"\s]*)"?\s*$/i.exec(parameter)?.[1])
    .find((name) => name !== undefined);
  const message = MESSAGES.find((known) => known === (proto ?? MESSAGES[0]));
  if (type.trim().toLowerCase() !== MEDIA_TYPE || !message)
    throw unsupported(
      `content-type: got ${headers["content-type"]}, expected ${MEDIA_TYPE} with proto=${MESSAGES.join(" or proto=")}`,
    );
  const encoding = headers["content-encoding"];
  if (encoding?.toLowerCase() !== "snappy")
    throw unsupported(`content-encoding: got ${encoding ?? "none"}, expected snappy`);
  const version = headers[VERSION_HEADER];
  if (version !== undefined && !/^[012](\.|$)/.test(String(version)))
    throw unsupported(`${VERSION_HEADER}: got ${version}, expected 0.1.0 or 2.0.0`);
  return message;
}

const unsupported = (message: string) => new Refusal(415, "unsupported", message);

/** What the body says, unpacked. In the hold is what it is then, and for a while what it was. */
async function bodyOf({ headers, raw }: FastifyRequest, hold: MemoryHold): Promise<Uint8Array> {
  const maxBytes = LIMITS.requestMaxBytes;
  const contentLength = Number(headers["content-length"] ?? Number.NaN);
  const packed = await readBody(raw, contentLength, hold, maxBytes);
  take(hold, decompressedBytes(packed, maxBytes));
  const body = decompress(packed, maxBytes);
  hold.shrink(packed.length);
  return body;
}

/** Resolves when all that is valid is durable. */
async function store(
  { request, written }: DecodedRequest,
  hold: MemoryHold,
  { pipeline }: RemoteWriteDeps,
) {
  if (written.samples + written.histograms + written.exemplars === 0) return;
  const bytes = toBinary(ExportMetricsServiceRequestSchema, request);
  const bodyBytes = hold.bytes;
  take(hold, bytes.length);
  hold.shrink(bodyBytes);
  await pipeline.appendMetrics(bytes, "remote_write");
}

function answer({ rejections }: DecodedRequest, deps: RemoteWriteDeps, reply: FastifyReply) {
  if (rejections.counts.size === 0) return reply.code(204).send();
  for (const [reason, points] of rejections.counts)
    deps.metrics.dropped.inc({ reason: `remote_write_${reason}` }, points);
  return reply.code(400).type("text/plain; charset=utf-8").send(`${rejections.message}\n`);
}

function tellWritten(
  reply: FastifyReply,
  message: MessageName,
  { samples, histograms, exemplars }: DecodedRequest["written"],
): void {
  if (message !== "io.prometheus.write.v2.Request") return;
  void reply.headers({
    "x-prometheus-remote-write-samples-written": samples,
    "x-prometheus-remote-write-histograms-written": histograms,
    "x-prometheus-remote-write-exemplars-written": exemplars,
  });
}

function refusalOf(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  if (error instanceof OtlpRefusal)
    return new Refusal(error.httpStatus, error.reason, error.message);
  if (error instanceof RequestError)
    return new Refusal(error.kind === "too-large" ? 413 : 400, error.kind, error.message);
  // Another attempt makes a record no smaller; everything else passes.
  if (error instanceof LogRefusal)
    return error.reason === "too-large"
      ? new Refusal(413, "too-large", error.message)
      : new Refusal(503, "unavailable", error.message);
  const { httpStatus, code, message } = toRpcError(error);
  return new Refusal(httpStatus, code, message);
}
