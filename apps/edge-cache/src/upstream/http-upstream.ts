/** An origin over HTTP, or over TLS. */
import { messageOf, systemCodeOf } from "@glassline/service/errors";
import type { Dispatcher } from "undici";
import { Pool } from "undici";

import { Fields } from "../core/http/fields.ts";
import type { QuestionQueue } from "./question-queue.ts";
import type { Trust } from "./trust.ts";
import { unlessAborted } from "./unless-aborted.ts";
import type { Upstream, UpstreamRequest, UpstreamResponse } from "./upstream.ts";
import { UpstreamError } from "./upstream.ts";

const CONNECT_TIMEOUT_MS = 2_000;
/** Blocking reloads are held for up to three target durations (RFC 8216bis section 6.2.5.2). */
const HEADERS_TIMEOUT_MS = 30_000;
const BODY_TIMEOUT_MS = 10_000;

/**
 * @param origin "https://localhost:7450", without a path.
 * @param trust where that is over TLS.
 */
export function httpUpstream(
  origin: string,
  trust: Trust,
  questions: QuestionQueue,
  bodyTimeoutMs = BODY_TIMEOUT_MS,
): Upstream {
  const pool = new Pool(origin, {
    connections: questions.mostAtATime,
    connect: { timeout: CONNECT_TIMEOUT_MS, ...(origin.startsWith("https:") && trust) },
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
  const what = reason === "untrusted" ? "its certificate is refused: " : "";
  return new UpstreamError(reason, `${origin}: ${what}${messageOf(error)}`, { cause: error });
}

/** What OpenSSL and Node say of a certificate (X509_V_ERR_*). */
const CERTIFICATE = /CERT|CRL|SIGNATURE|INVALID_(?:CA|PURPOSE)|PATH_LENGTH|HOSTNAME/;

function reasonOf(code: string): UpstreamError["reason"] {
  if (/TIMEOUT/.test(code)) return "timeout";
  if (CERTIFICATE.test(code)) return "untrusted";
  return /ECONN|ENOTFOUND|EHOST|ENET|EAI_|TLS/.test(code) ? "unreachable" : "broken";
}
