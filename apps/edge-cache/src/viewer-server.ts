/** HTTP for viewers: objects from the cache, the steering manifest, and what peers ask. */
import { RpcError } from "@glassline/proto/errors";
import { jsonErrorBody } from "@glassline/proto/json";
import { PROBE_USER_AGENT } from "@glassline/hls/fetch";
import type { Pathway } from "@glassline/hls/pathways";
import { isMultivariant, withPathways } from "@glassline/hls/pathways";
import type { Clock } from "@glassline/service/clock";
import { checkAddresses, createHttpServer } from "@glassline/service/http";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";

import type { Answer, Cache } from "./cache.ts";
import type { Address, Kind } from "./core/address.ts";
import { ADDRESS_MAX_CHARS, addressOf } from "./core/address.ts";
import { cacheStatus } from "./core/cache-status.ts";
import { steer } from "./core/steering.ts";
import type { Traffic } from "./core/traffic.ts";
import type { Viewers } from "./core/viewers.ts";
import type { EdgeMetrics } from "./metrics.ts";
import type { Peers } from "./peers.ts";
import { PEER_PATH } from "./peers.ts";
import type { StoredObject } from "./stores/store.ts";
import { UpstreamError } from "./upstream/upstream.ts";

const STEERING_PATH = "/steering/";
/** So many tell viewers apart. */
const USER_AGENT_CHARS = 128;

export interface ViewerServerDeps {
  edge: string;
  publicUrl: string;
  steeringTtlS: number;
  allowedHosts: readonly string[];
  allowedOrigins: readonly string[];
  cache: Cache;
  peers: Peers;
  traffic: Traffic;
  viewers: Viewers;
  metrics: EdgeMetrics;
  clock: Clock;
}

export function createViewerServer(deps: ViewerServerDeps): FastifyInstance {
  const server = createHttpServer({ routerOptions: { maxParamLength: ADDRESS_MAX_CHARS } });
  checkAddresses(server, deps.allowedHosts, deps.allowedOrigins);
  const withPeers = pathwayWriter(deps);
  server.get(PEER_PATH, async () => ({
    edge: deps.edge,
    viewers: deps.viewers.count(deps.clock.monotonicMs()),
  }));
  server.get<{ Params: { channel: string }; Querystring: Record<string, string> }>(
    `${STEERING_PATH}:channel`,
    async (request, reply) => {
      const { channel } = request.params;
      const path = `${STEERING_PATH}${encodeURIComponent(channel)}`;
      void reply.header("cache-control", "no-store");
      return manifestFor(deps, path, request.query["_HLS_pathway"]);
    },
  );
  server.get("/*", (request, reply) => serve(request, reply, deps, withPeers));
  server.setNotFoundHandler(({ method }, reply) => {
    const message = `method: got ${method}, expected GET or HEAD`;
    const error = new RpcError("unimplemented", message);
    return reply.code(405).header("allow", "GET, HEAD").send(jsonErrorBody(error));
  });
  return server;
}

async function serve(
  request: FastifyRequest,
  reply: FastifyReply,
  deps: ViewerServerDeps,
  withPeers: (object: StoredObject, path: string) => Buffer,
): Promise<FastifyReply> {
  const { cache, clock, edge } = deps;
  const startMs = clock.monotonicMs();
  const address = addressOf(request.raw.url ?? "");
  if (!address) {
    const error = new RpcError(
      "invalid_argument",
      "address: expected a normal path of at most 4096 characters",
    );
    return reply.code(400).send(jsonErrorBody(error));
  }
  const userAgent = (request.headers["user-agent"] ?? "").slice(0, USER_AGENT_CHARS);
  try {
    const answer = await cache.get(address);
    const body = withPeers(answer.object, address.path);
    if (userAgent !== PROBE_USER_AGENT) {
      count(deps, address.kind, answer, request.method === "HEAD" ? 0 : body.length, startMs);
      if (answer.object.status === 200 && address.kind !== "other")
        deps.viewers.saw(address.session ?? `${request.ip} ${userAgent}`, startMs);
    }
    return reply
      .code(answer.object.status)
      .headers(headersOf(answer, edge, startMs))
      .send(body);
  } catch (error) {
    if (!(error instanceof UpstreamError)) throw error;
    return refuse(reply, deps, address, error, startMs);
  }
}

function headersOf(
  { object, outcome }: Answer,
  edge: string,
  nowMs: number,
): Record<string, string> {
  const ageS = Math.max(0, Math.floor((nowMs - object.storedMs) / 1_000));
  return {
    "content-type": object.contentType,
    ...(object.cacheControl && { "cache-control": object.cacheControl }),
    ...(object.etag && { etag: object.etag }),
    age: String(ageS),
    via: `1.1 ${edge}`,
    "cache-status": cacheStatus(edge, outcome),
    "x-content-type-options": "nosniff",
  };
}

function count(
  { traffic, metrics, clock }: ViewerServerDeps,
  kind: Kind,
  { object, outcome }: Answer,
  sentBytes: number,
  startMs: number,
): void {
  const nowMs = clock.monotonicMs();
  const firstByteMs = nowMs - startMs;
  traffic.served(
    { kind, outcome: outcome.kind, status: object.status, sentBytes, firstByteMs },
    nowMs,
  );
  metrics.requests.inc({ kind, result: outcome.kind });
  metrics.sentBytes.inc(sentBytes);
  metrics.firstByte.observe({ kind }, firstByteMs / 1_000);
}

/** The origin gave no answer: nothing stale is served instead, because a stale playlist freezes players. */
function refuse(
  reply: FastifyReply,
  { traffic, metrics, clock, edge }: ViewerServerDeps,
  { kind }: Address,
  error: UpstreamError,
  startMs: number,
): FastifyReply {
  const status = error.reason === "timeout" ? 504 : 502;
  const nowMs = clock.monotonicMs();
  traffic.served(
    { kind, outcome: "none", status, sentBytes: 0, firstByteMs: nowMs - startMs },
    nowMs,
  );
  metrics.requests.inc({ kind, result: "failed" });
  metrics.originFailures.inc({ reason: error.reason });
  // Where the origin is concerns no viewer; the log has it.
  const body = { code: "unavailable", message: `the origin gives no answer (${error.reason})` };
  return reply
    .code(status)
    .headers({
      "cache-status": `${JSON.stringify(edge)}; fwd=uri-miss`,
      "cache-control": "no-store",
    })
    .send(body);
}

function manifestFor(
  { edge, publicUrl, peers, viewers, clock, steeringTtlS }: ViewerServerDeps,
  path: string,
  current: string | undefined,
) {
  const own = { edge, publicUrl, reachable: true, viewers: viewers.count(clock.monotonicMs()) };
  return steer([own, ...peers.all()], { current, self: edge, path, ttlS: steeringTtlS });
}

/** Puts all edges as pathways into multivariant playlists; each object is written once. */
function pathwayWriter({ edge, publicUrl, peers }: ViewerServerDeps) {
  const pathways: Pathway[] = [
    { id: edge, baseUrl: publicUrl },
    ...peers.all().map((peer) => ({ id: peer.edge, baseUrl: peer.publicUrl })),
  ];
  const written = new WeakMap<StoredObject, Buffer>();
  return (object: StoredObject, path: string): Buffer => {
    if (object.status !== 200 || !path.endsWith(".m3u8")) return object.body;
    const known = written.get(object);
    if (known) return known;
    const text = object.body.toString("utf8");
    const channel = /^\/live\/([^/]+)\//.exec(path)?.[1];
    const body =
      channel && isMultivariant(text)
        ? Buffer.from(
            withPathways(text, path, pathways, {
              initial: edge,
              serverUri: `${STEERING_PATH}${channel}`,
            }),
          )
        : object.body;
    written.set(object, body);
    return body;
  };
}
