/** `GET /live/...`: edges get channels, and wait for what will exist soon; they show a certificate of the network. */
import type { TLSSocket } from "node:tls";

import { RpcError, jsonErrorBody } from "@glassline/proto/errors";
import type { Clock } from "@glassline/service/clock";
import type { Role } from "@glassline/service/identity";
import { peerNameOf } from "@glassline/service/identity";
import type { FastifyReply, FastifyRequest } from "fastify";

import type { Found } from "./channels/channel.ts";
import type { Channels } from "./channels/channels.ts";
import { DirectiveError } from "./core/directives.ts";
import { isKnown } from "./core/validators.ts";
import { etagOf } from "./etag.ts";
import type { HeldRequests } from "./held-requests.ts";
import type { OriginMetrics } from "./metrics.ts";

/** Who may read channels. */
const READERS: readonly Role[] = ["edge-cache", "opsbot", "operator"];

export interface LiveDeps {
  channels: Channels;
  clock: Clock;
  metrics: OriginMetrics;
  held: HeldRequests;
}

export interface ChannelRequest {
  Params: { channel: string; "*": string };
}

type Request = FastifyRequest<ChannelRequest>;

export async function give(
  request: Request,
  reply: FastifyReply,
  deps: LiveDeps,
): Promise<FastifyReply> {
  try {
    checkReader(request);
    const found = await find(request, reply, deps);
    if (found === "left") {
      deps.metrics.requests.inc({ status: 499 });
      return reply.hijack();
    }
    return send(request, reply, found, deps);
  } catch (error) {
    const refusal = refusalOf(error);
    deps.metrics.requests.inc({ status: refusal.httpStatus });
    return reply.code(refusal.httpStatus).send(jsonErrorBody(refusal));
  }
}

/** Throws RpcError. */
function checkReader({ raw }: Request): void {
  const socket = raw.socket as TLSSocket;
  const peer = socket.authorized
    ? peerNameOf(socket.getPeerCertificate().subjectaltname)
    : undefined;
  if (peer && READERS.includes(peer.role)) return;
  const who = peer
    ? `${peer.role} ${peer.instance}`
    : "a client without a certificate of this network";
  throw new RpcError(
    "permission_denied",
    `${who} may not read channels, expected ${READERS.join(", ")}`,
  );
}

/** Throws RpcError or DirectiveError. */
async function find(
  request: Request,
  reply: FastifyReply,
  { channels, clock, held }: LiveDeps,
): Promise<Found | "left"> {
  const { channel, "*": path } = request.params;
  const query = new URL(request.url, "https://origin").searchParams;
  const leaving = new AbortController();
  reply.raw.once("close", () => leaving.abort());
  const answer = await held.answer(
    () => channels.find(channel, path, clock.nowMs(), query),
    leaving.signal,
  );
  switch (answer) {
    case undefined:
      throw new RpcError("not_found", `${request.url}: no such channel, segment or part`);
    case "late":
      // RFC 8216bis section 6.2.5.2.
      throw new RpcError("unavailable", `${request.url}: got nothing new in time, try again`);
    case "full":
      throw new RpcError("unavailable", `${request.url}: too many requests wait, try again`);
    default:
      return answer;
  }
}

function send(
  { params, headers }: Request,
  reply: FastifyReply,
  { body, contentType, cacheControl }: Found,
  { metrics }: LiveDeps,
): FastifyReply {
  const etag = etagOf(body);
  void reply.headers({
    "cache-control": cacheControl,
    etag,
    // Caches forget a whole channel by this tag.
    "surrogate-key": `channel:${params.channel}`,
  });
  if (isKnown(headers["if-none-match"], etag)) {
    metrics.requests.inc({ status: 304 });
    return reply.code(304).send();
  }
  metrics.requests.inc({ status: 200 });
  metrics.sentBytes.inc(body.length);
  return reply.header("content-type", contentType).send(body);
}

/** What is no refusal is a fault of ours, and is thrown on. */
function refusalOf(error: unknown): RpcError {
  if (error instanceof RpcError) return error;
  if (error instanceof DirectiveError) return new RpcError("invalid_argument", error.message);
  throw error;
}
