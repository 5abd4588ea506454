/** OTLP/HTTP with protobuf. Source: https://opentelemetry.io/docs/specs/otlp/#otlphttp */
import type { IncomingMessage } from "node:http";
import { Agent as HttpAgent, request as httpRequest } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { promisify } from "node:util";
import { gzip } from "node:zlib";

import { messageOf } from "@glassline/service/errors";

import { httpFailure, taken } from "./otlp-outcome.ts";
import type { TargetSettings } from "./settings.ts";
import type { ExportRequest, Outcome, Target } from "./target.ts";

const ANSWER_MAX_BYTES = 1_048_576;
const compress = promisify(gzip);

type Settings = Extract<TargetSettings, { kind: "otlphttp" }>;

interface Answer {
  status: number;
  headers: IncomingMessage["headers"];
  body: Uint8Array;
}

export class OtlpHttpTarget implements Target {
  readonly address: string;
  readonly #settings: Settings;
  readonly #agent: HttpAgent | HttpsAgent;

  constructor(settings: Settings) {
    this.#settings = settings;
    this.address = [...new Set(Object.values(settings.urls))].map(withoutSecrets).join(", ");
    const { tls } = settings;
    this.#agent = tls
      ? new HttpsAgent({
          keepAlive: true,
          ca: tls.ca,
          cert: tls.identity?.certificate,
          key: tls.identity?.key,
          ...(tls.serverName !== undefined && { servername: tls.serverName }),
        })
      : new HttpAgent({ keepAlive: true });
  }

  async send(request: ExportRequest, signal: AbortSignal): Promise<Outcome> {
    try {
      const { status, headers, body } = await this.#post(request, signal);
      if (status >= 200 && status < 300) return taken(request.signal, body);
      return httpFailure(status, body, headers["retry-after"], Date.now());
    } catch (error) {
      return { kind: "failed", reason: "unreachable", message: messageOf(error) };
    }
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }

  async #post({ signal: name, body }: ExportRequest, signal: AbortSignal): Promise<Answer> {
    const { urls, headers, compression, timeoutMs, tls } = this.#settings;
    const packed = compression === "gzip" ? await compress(body) : body;
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const options = {
      method: "POST",
      agent: this.#agent,
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      headers: {
        ...headers,
        "content-type": "application/x-protobuf",
        "content-length": packed.length,
        ...(compression === "gzip" && { "content-encoding": "gzip" }),
      },
    };
    const begin = tls ? httpsRequest : httpRequest;
    const call = begin(urls[name], options, (response) => {
      bodyOf(response).then(
        (bytes) =>
          resolve({ status: response.statusCode!, headers: response.headers, body: bytes }),
        reject,
      );
    });
    call.on("error", reject);
    call.end(packed);
    return promise;
  }
}

async function bodyOf(response: IncomingMessage): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > ANSWER_MAX_BYTES)
      throw new Error(`answer: got more than ${ANSWER_MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** An address without user and password. */
function withoutSecrets(address: string): string {
  const url = new URL(address);
  [url.username, url.password, url.search] = ["", "", ""];
  return url.href;
}
