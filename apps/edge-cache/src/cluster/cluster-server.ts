/** HTTPS for the other edges of the cluster, and those that this one shields, known by their certificates: objects, and what they tell each other. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Server } from "node:https";
import { createServer } from "node:https";
import type { TLSSocket } from "node:tls";

import { RpcError, jsonErrorBody } from "@glassline/proto/errors";
import { messageOf } from "@glassline/service/errors";
import type { Identity } from "@glassline/service/identity";
import { peerNameOf } from "@glassline/service/identity";
import { tlsOptions } from "@glassline/service/tls";

import { ownAnswer } from "../answer.ts";
import type { Cache } from "../cache.ts";
import type { Addresses } from "../core/addresses.ts";
import { jsonAnswer } from "../core/json-answer.ts";
import { UpstreamError } from "../upstream/upstream.ts";
import { headOf, writeAnswer } from "../viewer-answer.ts";
import { ViewerRequest } from "../viewer-request.ts";
import type { Cluster } from "./cluster.ts";
import {
  AWAY_FIELD,
  HELD_PATH,
  PURGES_PATH,
  STATE_PATH,
  WAY_FIELD,
  parsePurges,
} from "./messages.ts";

const PURGES_MAX_BYTES = 16_777_216;
const KEEP_ALIVE_MS = 60_000;
/** A connection that does not come to its handshake holds up the end of the server. */
const HANDSHAKE_TIMEOUT_MS = 2_000;

export interface ClusterServerDeps {
  edge: string;
  identity: Identity;
  cluster: Cluster;
  cache: Cache;
  addresses: Addresses;
}

export function createClusterServer(deps: ClusterServerDeps): Server {
  const names = deps.cluster.askers;
  const handshakeTimeout = HANDSHAKE_TIMEOUT_MS;
  const tls = {
    ...tlsOptions(deps.identity),
    requestCert: true,
    rejectUnauthorized: true,
    handshakeTimeout,
  };
  const server = createServer(tls, (request, response) => {
    const refusal = refusalOf(request, names);
    if (refusal) return json(response, 403, jsonErrorBody(refusal));
    route(request, response, deps).catch((error: unknown) => {
      if (response.headersSent) return response.destroy();
      const refused = new RpcError("invalid_argument", messageOf(error));
      json(response, 400, jsonErrorBody(refused));
    });
  });
  // Only edges get here, and they hold many connections on which nothing moves for a while.
  server.timeout = 0;
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  return server;
}

async function route(
  request: IncomingMessage,
  response: ServerResponse,
  deps: ClusterServerDeps,
): Promise<void> {
  const { cluster } = deps;
  const target = request.url ?? "/";
  const { pathname, searchParams } = new URL(target, "https://edge");
  if (pathname === STATE_PATH) return json(response, 200, cluster.state());
  if (pathname === PURGES_PATH && request.method === "POST")
    return json(response, 200, await cluster.takePurges(parsePurges(await textOf(request))));
  if (pathname === PURGES_PATH) {
    const after = searchParams.get("after") ?? undefined;
    return json(response, 200, cluster.purgesAfter(after, Number(searchParams.get("since"))));
  }
  const isHeldOnly = target.startsWith(HELD_PATH);
  return object(
    request,
    response,
    isHeldOnly ? target.slice(HELD_PATH.length) : target,
    isHeldOnly,
    deps,
  );
}

async function object(
  request: IncomingMessage,
  response: ServerResponse,
  target: string,
  isHeldOnly: boolean,
  { cache, edge, addresses }: ClusterServerDeps,
): Promise<void> {
  const way = String(request.headers[WAY_FIELD] ?? "").split(", ");
  if (way.includes(edge)) return json(response, 508, jsonErrorBody(loopOf([...way, edge])));
  const address = addresses.read(target);
  if (!address) throw new RangeError(`address: got ${JSON.stringify(target)}, expected a path`);
  const asked = new ViewerRequest(request, response, request, address, () => {}, {
    isFromMember: true,
  });
  try {
    const answer = isHeldOnly
      ? (cache.find(asked) ?? ownAnswer(404, "{}"))
      : await cache.get(asked);
    await writeAnswer(request, response, answer, headOf(answer, edge));
  } catch (error) {
    if (!(error instanceof UpstreamError) || response.headersSent) return void response.destroy();
    response.writeHead(502, { [AWAY_FIELD]: error.reason, "content-length": 0 }).end();
  }
}

const loopOf = (way: readonly string[]) =>
  new RpcError(
    "failed_precondition",
    `origin: got the way ${way.join(", ")}, expected one without a loop (--origin-edge)`,
  );

/** Asked once a connection. */
const askers = new WeakMap<TLSSocket, string>();

function refusalOf({ socket }: IncomingMessage, names: ReadonlySet<string>): RpcError | undefined {
  const connection = socket as TLSSocket;
  let asker = askers.get(connection);
  if (asker === undefined) {
    const peer = peerNameOf(connection.getPeerCertificate().subjectaltname);
    asker = peer?.role === "edge-cache" ? peer.instance : "";
    askers.set(connection, asker);
  }
  if (names.has(asker)) return undefined;
  return new RpcError(
    "permission_denied",
    `cluster: got ${asker === "" ? "no edge" : asker}, expected ${[...names].join(" or ")}`,
  );
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > PURGES_MAX_BYTES)
      throw new RangeError(`purges: got more than ${PURGES_MAX_BYTES} bytes, expected fewer`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function json(response: ServerResponse, status: number, body: object): void {
  const { text, fields } = jsonAnswer(body);
  response.writeHead(status, fields.flat()).end(text);
}
