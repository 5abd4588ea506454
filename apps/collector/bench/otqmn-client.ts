/**
 * A stream of OTQMN as HTTP/2 frames: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md. As clients in C++ and Go do,
 * it puts messages that are ready together into one frame, and it costs the generator a third of what grpc-js does.
 */
import type { ClientHttp2Session, ClientHttp2Stream } from "node:http2";
import { connect, constants } from "node:http2";

import { fromBinary, toBinary } from "@bufbuild/protobuf";
import type { StreamRequest, StreamResponse } from "@glassline/proto/otqmn";
import { OtqmnService, StreamRequestSchema, StreamResponseSchema } from "@glassline/proto/otqmn";
import { methodPath } from "@glassline/proto/rpc";
import type { Identity } from "@glassline/service/identity";
import { tlsOptions } from "@glassline/service/tls";

import { grpcMessage } from "./grpc-client.ts";

const PREFIX_BYTES = 5;

export class OtqmnClient implements Disposable {
  readonly #session: ClientHttp2Session;
  readonly #stream: ClientHttp2Stream;
  #rest: Buffer = Buffer.alloc(0);
  #isCorked = false;

  constructor(
    identity: Identity,
    port: number,
    receive: (response: StreamResponse) => void,
    fail: (reason: string) => void,
  ) {
    this.#session = connect(`https://localhost:${port}`, {
      ...tlsOptions(identity),
      // The name in the certificate is a SPIFFE id; the collector is this benchmark's own.
      checkServerIdentity: () => undefined,
    });
    this.#session.on("error", (error) => fail(error.message));
    this.#stream = this.#session.request({
      ":method": "POST",
      ":path": methodPath(OtqmnService.method.stream),
      "content-type": "application/grpc",
      te: "trailers",
    });
    this.#stream.on("error", (error) => fail(error.message));
    this.#stream.on("trailers", (got) => fail(`grpc-status ${String(got["grpc-status"])}`));
    this.#stream.on("data", (chunk: Buffer) => {
      for (const message of this.#messagesOf(chunk)) receive(message);
    });
  }

  send(request: StreamRequest): void {
    if (!this.#isCorked) {
      this.#isCorked = true;
      this.#stream.cork();
      process.nextTick(() => {
        this.#isCorked = false;
        this.#stream.uncork();
      });
    }
    this.#stream.write(grpcMessage(toBinary(StreamRequestSchema, request), "identity"));
  }

  *#messagesOf(chunk: Buffer): Generator<StreamResponse> {
    let rest = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk;
    while (rest.length >= PREFIX_BYTES) {
      const end = PREFIX_BYTES + rest.readUInt32BE(1);
      if (rest.length < end) break;
      yield fromBinary(StreamResponseSchema, rest.subarray(PREFIX_BYTES, end));
      rest = rest.subarray(end);
    }
    this.#rest = rest;
  }

  [Symbol.dispose](): void {
    this.#stream.close(constants.NGHTTP2_CANCEL);
    this.#session.destroy();
  }
}
