/** HTTP/1.1 for viewers, plain and over TLS: connections are handed in. */
import type * as http from "node:http";
import type { Server, ServerResponse } from "node:http";
import { createRequire } from "node:module";
import type { Socket } from "node:net";

import { systemCodeOf } from "@glassline/service/errors";

import { jsonAnswer } from "../core/json-answer.ts";
import { SlowReaders } from "../core/slow-readers.ts";
import type { FaultyFraming } from "../framing.ts";
import { faultyFraming } from "../framing.ts";
import type { Handler } from "../viewer-exchange.ts";
import type { FrontLimits } from "./limits.ts";
import { lookIntervalMs } from "./limits.ts";
import type { Refusal, Refused } from "./refusals.ts";

/** Where node:http is imported, Node loads its client of fetch too, which takes as long as half of a start. */
const { createServer } = createRequire(import.meta.url)("node:http") as typeof http;

/** Errors of Node's parser and clock; it answers with the status that fits, where no answer has begun, and closes. */
const REASONS: Readonly<Record<string, Refusal>> = {
  HPE_HEADER_OVERFLOW: "header",
  ERR_HTTP_REQUEST_TIMEOUT: "slow_request",
};

/** The last answer on its connection. */
function refuse(response: ServerResponse, { status, body }: FaultyFraming): void {
  const { text, fields } = jsonAnswer(body);
  response.writeHead(status, [...fields, ["connection", "close"]].flat());
  response.end(text);
}

export class Http1 implements Disposable {
  readonly #server: Server;
  readonly #refused: Refused;
  readonly #slow: SlowReaders<Socket>;
  readonly #sockets = new Set<Socket>();
  /** While draining: how much had been read from each at the last look. */
  readonly #readBytes = new WeakMap<Socket, number>();

  /** @param busy sockets whose answers are not there yet. */
  constructor(
    handle: Handler,
    { timeoutMs, headerBytes }: FrontLimits,
    refused: Refused,
    busy: () => ReadonlySet<unknown>,
  ) {
    this.#refused = refused;
    this.#slow = new SlowReaders(timeoutMs);
    const times = { headersTimeout: timeoutMs, requestTimeout: timeoutMs };
    const connectionsCheckingInterval = lookIntervalMs(timeoutMs);
    const options = { ...times, connectionsCheckingInterval, maxHeaderSize: headerBytes };
    this.#server = createServer(options, (request, response) => {
      const fault = faultyFraming(request);
      if (!fault) return handle(request, response, request);
      refused("malformed");
      refuse(response, fault);
    });
    this.#server.keepAliveTimeout = timeoutMs;
    // Nothing has moved for so long: also where a reader does not read.
    this.#server.timeout = timeoutMs;
    this.#server.on("timeout", (socket: Socket) => {
      // It is the origin that is waited for.
      if (busy().has(socket)) return;
      if (socket.writableLength > 0) refused("slow_reader");
      socket.destroy();
    });
    // It listens nowhere itself, and watches over the times of requests from this event on.
    this.#server.emit("listening");
  }

  take(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket)).on("error", this.#failed);
    this.#server.emit("connection", socket);
  }

  readonly #failed = (error: Error): void => {
    const code = systemCodeOf(error) ?? "";
    const reason = REASONS[code] ?? (code.startsWith("HPE_") ? "malformed" : undefined);
    // Others are connections that the client has cut.
    if (reason) this.#refused(reason);
  };

  /** Cuts those who take their answers too slowly. */
  look(nowMs: number): void {
    for (const socket of this.#sockets) {
      const waiting = socket.writableLength;
      if (waiting === 0) continue;
      if (!this.#slow.isTooSlow(socket, socket.bytesWritten - waiting, waiting, nowMs)) continue;
      this.#refused("slow_reader");
      socket.destroy();
    }
    this.#slow.endRound();
  }

  /**
   * Closes connections on which nothing has happened since the last call. (Node's own closeIdleConnections cuts answers that it has been
   * given whole and has not sent yet.)
   * @param busy sockets whose answers are not there yet.
   */
  closeIdle(busy: ReadonlySet<unknown>): void {
    for (const socket of this.#sockets) {
      if (socket.writableLength > 0 || busy.has(socket)) continue;
      if (this.#readBytes.get(socket) === socket.bytesRead) socket.end();
      else this.#readBytes.set(socket, socket.bytesRead);
    }
  }

  [Symbol.dispose](): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}
