/** Posts bodies to configured addresses: connections are kept, redirects are not followed, answers are bounded. */
import type { IncomingMessage } from "node:http";
import { Agent as HttpAgent, request as httpRequest } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";

import type { TlsSettings } from "./settings.ts";

const ANSWER_MAX_BYTES = 1_048_576;

export interface HttpAnswer {
  status: number;
  headers: IncomingMessage["headers"];
  body: Uint8Array;
}

export interface HttpPostOptions {
  headers: Readonly<Record<string, string>>;
  timeoutMs: number;
  /** Undefined: without TLS. */
  tls: TlsSettings | undefined;
}

export class HttpPost implements Disposable {
  readonly #options: HttpPostOptions;
  readonly #agent: HttpAgent | HttpsAgent;

  constructor(options: HttpPostOptions) {
    this.#options = options;
    const { tls } = options;
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

  /** Rejects when there is no answer in time, or an abort. @param own headers of the protocol; they count most. */
  async post(
    url: string,
    body: Uint8Array,
    own: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<HttpAnswer> {
    const { headers, timeoutMs, tls } = this.#options;
    const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>();
    const options = {
      method: "POST",
      agent: this.#agent,
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      headers: { ...headers, ...own, "content-length": body.length },
    };
    const begin = tls ? httpsRequest : httpRequest;
    const call = begin(url, options, (response) => {
      bodyOf(response).then(
        (bytes) =>
          resolve({ status: response.statusCode!, headers: response.headers, body: bytes }),
        reject,
      );
    });
    call.on("error", reject);
    call.end(body);
    return promise;
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
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

/** An address without user, password and query. */
export function withoutSecrets(address: string): string {
  const url = new URL(address);
  [url.username, url.password, url.search] = ["", "", ""];
  return url.href;
}
