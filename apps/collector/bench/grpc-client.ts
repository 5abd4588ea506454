/** OTLP/gRPC as frames of HTTP/2: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md */
import type { ClientHttp2Session, IncomingHttpHeaders } from "node:http2";
import { connect, constants } from "node:http2";

import type { Encoding } from "./encodings.ts";
import { decodeBody } from "./encodings.ts";
import type { Client } from "./load.ts";
import { Refusal, partialSuccessOf } from "./load.ts";

const PATH = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";
const PREFIX_BYTES = 5;

/** Length-Prefixed-Message: compressed flag, length, message. */
export function grpcMessage(body: Uint8Array, encoding: Encoding): Buffer {
  const message = Buffer.alloc(PREFIX_BYTES + body.length);
  message.writeUInt8(encoding === "identity" ? 0 : 1, 0);
  message.writeUInt32BE(body.length, 1);
  message.set(body, PREFIX_BYTES);
  return message;
}

/** Calls go over the connections in turn. */
export async function grpcClient(
  port: number,
  encoding: Encoding,
  token: string,
  connections: number,
): Promise<Client> {
  const sessions = await Promise.all(Array.from({ length: connections }, () => open(port)));
  const headers = {
    ":method": "POST",
    ":path": PATH,
    "content-type": "application/grpc",
    te: "trailers",
    authorization: `Bearer ${token}`,
    ...(encoding === "identity" ? {} : { "grpc-encoding": encoding }),
  };
  let turn = 0;
  return {
    send: (message) => call(sessions[turn++ % sessions.length]!, headers, message),
    [Symbol.asyncDispose]: async () => {
      for (const session of sessions) session.destroy();
    },
  };
}

function open(port: number): Promise<ClientHttp2Session> {
  return new Promise((resolve, reject) => {
    const session = connect(`http://127.0.0.1:${port}`);
    session.once("error", reject);
    session.once("remoteSettings", () => resolve(session));
  });
}

function call(
  session: ClientHttp2Session,
  headers: Record<string, string>,
  message: Buffer,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const stream = session.request(headers);
    const answer: Buffer[] = [];
    let status: IncomingHttpHeaders = {};
    stream.on("response", (got) => (status = got));
    stream.on("trailers", (got) => (status = { ...status, ...got }));
    stream.on("data", (chunk: Buffer) => answer.push(chunk));
    stream.once("error", reject);
    stream.once("close", () => {
      const refusal = refusalOf(status, Buffer.concat(answer));
      if (refusal === undefined) resolve();
      else if (stream.rstCode === constants.NGHTTP2_NO_ERROR) reject(new Refusal(refusal));
      else reject(new Error(`stream: got reset ${stream.rstCode}, expected an answer`));
    });
    stream.end(message);
  });
}

function refusalOf(status: IncomingHttpHeaders, answer: Buffer): string | undefined {
  if (status["grpc-status"] !== "0") {
    const message = decodeURIComponent(String(status["grpc-message"] ?? ""));
    return `grpc-status ${String(status["grpc-status"])} ${message}`;
  }
  return partialSuccessOf(messageIn(answer, status["grpc-encoding"]));
}

/** Some servers compress their answer as the request was. */
function messageIn(answer: Buffer, encoding: string | string[] | undefined): Buffer {
  const message = answer.subarray(PREFIX_BYTES);
  return answer[0] === 1 ? decodeBody(message, encoding as Encoding) : message;
}
