/** Requests whose end another server could see elsewhere (RFC 9112 section 11.2). The parser refuses most of them; these it lets through. */
import type { IncomingMessage } from "node:http";

import { RpcError, jsonErrorBody } from "@glassline/proto/errors";

export interface FaultyFraming {
  status: number;
  body: object;
}

/** Undefined for all others. The connection has to be closed behind the answer. */
export function faultyFraming({
  httpVersion,
  headers,
}: IncomingMessage): FaultyFraming | undefined {
  if (httpVersion !== "1.1" && httpVersion !== "1.0")
    return refusal(505, "unimplemented", `HTTP/${httpVersion}: expected HTTP/1.1 or HTTP/1.0`);
  const coding = headers["transfer-encoding"];
  if (coding === undefined) return undefined;
  const got = `Transfer-Encoding: got ${JSON.stringify(coding)}`;
  // RFC 9112 section 6.1.
  if (httpVersion === "1.0")
    return refusal(400, "invalid_argument", `${got} in HTTP/1.0, expected Content-Length`);
  if (coding.toLowerCase() === "chunked") return undefined;
  return refusal(501, "unimplemented", `${got}, expected chunked`);
}

const refusal = (status: number, code: RpcError["code"], message: string): FaultyFraming => ({
  status,
  body: jsonErrorBody(new RpcError(code, message)),
});
