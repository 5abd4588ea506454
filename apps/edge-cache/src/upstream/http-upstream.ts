/** An origin over HTTP, or over TLS 1.3 with the network's certificates on both ends. */
import { messageOf, systemCodeOf } from "@glassline/service/errors";
import type { Identity, Role } from "@glassline/service/identity";
import { peerCheck, tlsOptions } from "@glassline/service/tls";
import type { Dispatcher } from "undici";
import { Pool } from "undici";

import { Fields } from "../core/http/fields.ts";
import type { QuestionQueue } from "./question-queue.ts";
import type { Upstream, UpstreamRequest, UpstreamResponse } from "./upstream.ts";
import { UpstreamError } from "./upstream.ts";

const CONNECT_TIMEOUT_MS = 2_000;
/** Blocking reloads are held for up to three target durations (RFC 8216bis section 6.2.5.2). */
const HEADERS_TIMEOUT_MS = 30_000;
const BODY_TIMEOUT_MS = 10_000;

/**
 * @param origin "https://localhost:7450", without a path.
 * @param peer it is known by the SPIFFE id in its certificate, not by its address.
 */
export function httpUpstream(
  origin: string,
  identity: Identity,
  questions: QuestionQueue,
  peer: { role: Role; instance?: string } = { role: "origin" },
  bodyTimeoutMs = BODY_TIMEOUT_MS,
): Upstream {
  const checkServerIdentity = peerCheck(peer.role, peer.instance);
  const tls = { ...tlsOptions(identity), servername: "localhost", checkServerIdentity };
  const pool = new Pool(origin, {
    connections: questions.mostAtATime,
    connect: { timeout: CONNECT_TIMEOUT_MS, ...(origin.startsWith("https:") && tls) },
    headersTimeout: HEADERS_TIMEOUT_MS,
    bodyTimeout: bodyTimeoutMs,
  });
  return {
    asksOrigin: () => true,
    open: async (request) => {
      const leave = await questions.enter(request.isHeld ?? false, request.signal);
      request.signal.addEventListener("abort", leave, { once: true });
      request.begun?.();
      return open(pool, origin, request, leave);
    },
    [Symbol.asyncDispose]: () => pool.destroy(),
  };
}

async function open(
  pool: Pool,
  origin: string,
  { method, target, fields, body, signal, informed }: UpstreamRequest,
  leave: () => void,
): Promise<UpstreamResponse> {
  try {
    const answering = pool.request({
      method: method as Dispatcher.HttpMethod,
      path: target,
      headers: fields.lines.flat(),
      body: body ?? null,
      signal,
      responseHeaders: "raw",
      ...(informed && {
        onInfo: ({ statusCode, headers }) => informed(statusCode, rawFields(headers)),
      }),
    });
    const response = await unlessAborted(answering, signal);
    return {
      status: response.statusCode,
      fields: rawFields(response.headers),
      body: chunksOf(response.body, origin, leave),
      trailers: () => Object.entries(response.trailers),
    };
  } catch (error) {
    leave();
    throw upstreamError(error, origin);
  }
}

/** A question that still waits for a connection would not end when it is aborted. */
async function unlessAborted<T>(answering: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([answering, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

/** Raw headers are names and values in turn, which the types do not tell. */
function rawFields(headers: unknown): Fields {
  return Fields.ofRaw(
    (headers as readonly (string | Buffer)[]).map((each) => each.toString("latin1")),
  );
}

async function* chunksOf(
  body: AsyncIterable<Buffer>,
  origin: string,
  leave: () => void,
): AsyncGenerator<Buffer> {
  try {
    yield* body;
  } catch (error) {
    throw upstreamError(error, origin);
  } finally {
    leave();
  }
}

function upstreamError(error: unknown, origin: string): UpstreamError {
  const reason = reasonOf(systemCodeOf(error) ?? "");
  return new UpstreamError(reason, `${origin}: ${messageOf(error)}`, { cause: error });
}

function reasonOf(code: string): UpstreamError["reason"] {
  if (/TIMEOUT/.test(code)) return "timeout";
  return /ECONN|ENOTFOUND|EHOST|ENET|EAI_|CERT|TLS/.test(code) ? "unreachable" : "broken";
}
