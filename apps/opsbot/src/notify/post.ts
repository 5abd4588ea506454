/** One message to a webhook: no redirect is followed, and no answer is waited for or read without an end. */
import type { IncomingMessage, RequestOptions } from "node:http";
import { request as requestPlain } from "node:http";
import { request as requestTls } from "node:https";

import { systemCodeOf } from "@glassline/service/errors";

const TIMEOUT_MS = 10_000;
/** Of an answer: what it says beside its status is not needed, and a short one is read so that its sender is not cut off. */
const ANSWER_MAX_BYTES = 65_536;

export interface Message {
  url: URL;
  body: string;
  headers: Readonly<Record<string, string>>;
}

export interface PostLimits {
  timeoutMs?: number;
  /** Authorities beside those that Node knows, PEM. */
  ca?: string;
}

export interface Answered {
  status: number;
  /** As it came. */
  retryAfter: string | undefined;
}

/** Rejects with an Error that says why there was no answer, and nothing of the address. */
export async function post(
  { url, body, headers }: Message,
  signal: AbortSignal,
  { timeoutMs = TIMEOUT_MS, ca }: PostLimits = {},
): Promise<Answered> {
  const bytes = Buffer.from(body);
  const deadline = AbortSignal.timeout(timeoutMs);
  const options: RequestOptions = {
    method: "POST",
    // One message in a while: connections are not kept.
    agent: false,
    headers: { ...headers, "content-type": "application/json", "content-length": bytes.length },
    signal: AbortSignal.any([signal, deadline]),
    ...(ca !== undefined && { ca }),
  };
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const call = (url.protocol === "https:" ? requestTls : requestPlain)(url, options, resolve);
  call.on("error", reject);
  // Without a word where the other side changes the protocol.
  call.once("close", () => reject(new Error("closed")));
  call.end(bytes);
  try {
    const answer = await promise;
    const { statusCode: status = 0, headers: fields } = answer;
    await drain(answer);
    return { status, retryAfter: fields["retry-after"] };
  } catch (error) {
    throw new Error(`no answer (${reasonOf(error, deadline, timeoutMs)})`, { cause: error });
  }
}

/** Its status is known: whatever comes of the rest changes nothing. */
async function drain(answer: IncomingMessage): Promise<void> {
  let bytes = 0;
  try {
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > ANSWER_MAX_BYTES) return;
    }
  } catch {
    // It was cut off.
  }
}

function reasonOf(error: unknown, { aborted }: AbortSignal, timeoutMs: number): string {
  return aborted ? `nothing came for ${timeoutMs} ms` : (systemCodeOf(error) ?? "cut off");
}
