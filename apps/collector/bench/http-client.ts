/** OTLP/HTTP with protobuf, on connections that stay open. */
import type { IncomingMessage } from "node:http";
import { Agent, request } from "node:http";

import type { Encoding } from "./encodings.ts";
import type { Client } from "./load.ts";
import { Refusal, partialSuccessOf } from "./load.ts";

/** One request at a time on each connection. */
export function httpClient(
  port: number,
  encoding: Encoding,
  token: string,
  connections: number,
): Client {
  const agent = new Agent({
    keepAlive: true,
    maxSockets: connections,
    maxFreeSockets: connections,
  });
  const options = {
    agent,
    host: "127.0.0.1",
    port,
    path: "/v1/metrics",
    method: "POST",
    headers: {
      "content-type": "application/x-protobuf",
      authorization: `Bearer ${token}`,
      ...(encoding === "identity" ? {} : { "content-encoding": encoding }),
    },
  };
  return {
    send: (body) =>
      new Promise((resolve, reject) => {
        const sent = request(options, (answer) => read(answer).then(resolve, reject));
        sent.once("error", reject);
        sent.setHeader("content-length", body.length);
        sent.end(body);
      }),
    [Symbol.asyncDispose]: async () => agent.destroy(),
  };
}

async function read(answer: IncomingMessage): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);
  if (answer.statusCode !== 200)
    throw new Refusal(`status ${answer.statusCode} ${body.toString("utf8").slice(0, 200)}`);
  const partial = partialSuccessOf(body);
  if (partial !== undefined) throw new Refusal(partial);
}
