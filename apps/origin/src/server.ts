/** HTTPS: edges get channels and show a certificate of the network; encoders push streams and show a key. */
import type { TLSSocket } from "node:tls";

import { RpcError, toRpcError } from "@glassline/proto/errors";
import { jsonErrorBody } from "@glassline/proto/json";
import type { Clock } from "@glassline/service/clock";
import { answerUnknownAsJson, createHttpServer } from "@glassline/service/http";
import type { Identity, Role } from "@glassline/service/identity";
import { peerNameOf } from "@glassline/service/identity";
import { publicTlsOptions } from "@glassline/service/tls";
import { requireToken } from "@glassline/service/token";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";

import type { Channels } from "./channels/channels.ts";
import type { OriginMetrics } from "./metrics.ts";

/** One pushed object. */
const OBJECT_MAX_BYTES = 67_108_864;
/** Who may read channels. */
const READERS: readonly Role[] = ["edge-cache", "opsbot", "operator"];

export interface ServerDeps {
  channels: Channels;
  identity: Identity;
  clock: Clock;
  metrics: OriginMetrics;
  /** Empty: nobody may push. */
  pushKey: string;
}

interface ChannelRequest {
  Params: { channel: string; "*": string };
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

function give(
  request: FastifyRequest<ChannelRequest>,
  reply: FastifyReply,
  { channels, clock, metrics }: ServerDeps,
): FastifyReply {
  const socket = request.raw.socket as TLSSocket;
  const peer = socket.authorized
    ? peerNameOf(socket.getPeerCertificate().subjectaltname)
    : undefined;
  if (!peer || !READERS.includes(peer.role)) {
    metrics.requests.inc({ status: 403 });
    const who = peer
      ? `${peer.role} ${peer.instance}`
      : "a client without a certificate of this network";
    return refuse(
      reply,
      new RpcError(
        "permission_denied",
        `${who} may not read channels, expected ${READERS.join(", ")}`,
      ),
    );
  }
  const { channel, "*": path } = request.params;
  const found = channels.find(channel, path, clock.nowMs());
  metrics.requests.inc({ status: found ? 200 : 404 });
  if (!found)
    return refuse(reply, new RpcError("not_found", `${request.url}: no such channel or segment`));
  metrics.sentBytes.inc(found.body.length);
  return reply
    .headers({
      "content-type": found.contentType,
      "cache-control": `public, max-age=${found.maxAgeS}`,
      // Caches forget a whole channel by this tag.
      "surrogate-key": `channel:${channel}`,
    })
    .send(found.body);
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
