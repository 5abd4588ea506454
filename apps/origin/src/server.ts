/** HTTPS: edges get channels and show a certificate of the network; encoders push streams and show a key. */
import { RpcError, jsonErrorBody, toRpcError } from "@glassline/proto/errors";
import { answerUnknownAsJson, createHttpServer } from "@glassline/service/http";
import type { Identity } from "@glassline/service/identity";
import { publicTlsOptions } from "@glassline/service/tls";
import { requireToken } from "@glassline/service/token";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";

import type { ChannelRequest, LiveDeps } from "./live-route.ts";
import { give } from "./live-route.ts";

/** One pushed object. */
const OBJECT_MAX_BYTES = 67_108_864;

export interface ServerDeps extends LiveDeps {
  identity: Identity;
  /** Empty: nobody may push. */
  pushKey: string;
}

export function createServer(deps: ServerDeps): FastifyInstance {
  const server = createHttpServer({
    bodyLimit: OBJECT_MAX_BYTES,
    https: {
      ...publicTlsOptions(deps.identity),
      requestCert: true,
      // Encoders have no certificate; who reads is checked below.
      rejectUnauthorized: false,
    },
  } as never);
  answerUnknownAsJson(server);
  // Encoders send bodies of any type, or of none.
  server.removeAllContentTypeParsers();
  server.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) =>
    done(null, body),
  );
  server.get<ChannelRequest>("/live/:channel/*", (request, reply) => give(request, reply, deps));
  // Before a byte of a body is read.
  const onRequest = async (request: FastifyRequest, reply: FastifyReply) =>
    checkKey(request, reply, deps);
  const route = { url: "/push/:channel/*", onRequest } as const;
  server.route<ChannelRequest>({
    ...route,
    method: ["PUT", "POST"],
    handler: (request, reply) => take(request, reply, deps),
  });
  server.route<ChannelRequest>({
    ...route,
    method: "DELETE",
    handler: (request, reply) => drop(request, reply, deps),
  });
  return server;
}

function checkKey(
  { headers }: FastifyRequest,
  reply: FastifyReply,
  { metrics, pushKey }: ServerDeps,
): FastifyReply | undefined {
  try {
    requireToken(headers.authorization, pushKey, "the key for pushing");
    return undefined;
  } catch (error) {
    const refusal = toRpcError(error);
    metrics.refused.inc({ reason: refusal.code });
    // The rest of the body is not waited for.
    return refuse(reply.header("connection", "close"), refusal);
  }
}

async function take(
  request: FastifyRequest<ChannelRequest>,
  reply: FastifyReply,
  { channels, clock, metrics }: ServerDeps,
): Promise<FastifyReply> {
  try {
    const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
    channels.put(request.params.channel, request.params["*"], body, clock.nowMs());
    metrics.pushed.inc();
    metrics.pushedBytes.inc(body.length);
    return reply.code(201).send();
  } catch (error) {
    const refusal = toRpcError(error);
    metrics.refused.inc({ reason: refusal.code });
    return refuse(reply, refusal);
  }
}

async function drop(
  { params }: FastifyRequest<ChannelRequest>,
  reply: FastifyReply,
  { channels }: ServerDeps,
): Promise<FastifyReply> {
  return reply.code(channels.delete(params.channel, params["*"]) ? 204 : 404).send();
}

function refuse(reply: FastifyReply, error: RpcError): FastifyReply {
  if (error.code === "unauthenticated") void reply.header("www-authenticate", 'Basic realm="push"');
  return reply.code(error.httpStatus).send(jsonErrorBody(error));
}
