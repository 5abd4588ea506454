/** What viewers connect to: one port, plain or with TLS, and perhaps a plain one beside it; connections of both have the same limits. */
import type { Server, Socket } from "node:net";
import { createServer } from "node:net";
import type { Server as TlsServer, TLSSocket } from "node:tls";
import { createServer as createTlsServer } from "node:tls";

import type { KeyPair } from "@glassline/service/certificate";
import type { Clock } from "@glassline/service/clock";
import { every } from "@glassline/service/clock";
import { systemCodeOf } from "@glassline/service/errors";
import type { ListenAddress } from "@glassline/service/listen-http";
import { listenHttp } from "@glassline/service/listen-http";

import type { Handler } from "../viewer-exchange.ts";
import { Admission } from "./admission.ts";
import { Http1 } from "./http1.ts";
import { Http2 } from "./http2.ts";
import type { FrontLimits } from "./limits.ts";
import { lookIntervalMs } from "./limits.ts";
import type { Refused } from "./refusals.ts";

const DRAIN_LOOK_MS = 250;
/** Peers and load balancers have seen by then that it is not ready. */
const DRAIN_LEAST_MS = 1_000;

export interface FrontDeps {
  handle: Handler;
  /** Sockets whose answers are not there yet. */
  busy: () => ReadonlySet<unknown>;
  refused: Refused;
  clock: Clock;
}

export class Front implements AsyncDisposable {
  readonly #deps: FrontDeps;
  readonly #admission: Admission;
  readonly #http1: Http1;
  readonly #http2: Http2;
  readonly #servers: Server[] = [];
  readonly #stop = new AbortController();
  readonly #timeoutMs: number;
  #tls: TlsServer | undefined;

  constructor(limits: FrontLimits, deps: FrontDeps) {
    const { handle, refused, clock } = deps;
    this.#deps = deps;
    this.#timeoutMs = limits.timeoutMs;
    this.#admission = new Admission(limits, refused);
    this.#http1 = new Http1(handle, limits, refused, deps.busy);
    this.#http2 = new Http2(handle, limits, refused, clock);
    void every(clock, lookIntervalMs(limits.timeoutMs), this.#stop.signal, () => {
      const nowMs = clock.monotonicMs();
      this.#http1.look(nowMs);
      this.#http2.look(nowMs);
    });
  }

  get connections(): number {
    return this.#admission.open;
  }

  /** HTTP/1.1. @returns the port. Fails with OperatorError. */
  listen(at: ListenAddress): Promise<number> {
    return this.#listen(at, (socket) => this.#http1.take(socket));
  }

  /** HTTP/2 and HTTP/1.1 over TLS 1.2 or 1.3. @returns the port. Fails with OperatorError. */
  listenTls(at: ListenAddress, pair: KeyPair): Promise<number> {
    const tls = createTlsServer({
      ...pair,
      minVersion: "TLSv1.2",
      handshakeTimeout: this.#timeoutMs,
      ALPNCallback: chosen,
    });
    tls.on("secureConnection", (socket: TLSSocket) => {
      if (socket.alpnProtocol === "h2") this.#http2.take(socket);
      else this.#http1.take(socket);
    });
    tls.on("tlsClientError", (error, socket) => {
      const code = systemCodeOf(error);
      if (code === "ERR_TLS_HANDSHAKE_TIMEOUT") this.#deps.refused("slow_request");
      else if (code !== "ECONNRESET") this.#deps.refused("tls");
      socket.destroy();
    });
    this.#tls = tls;
    return this.#listen(at, (socket) => tls.emit("connection", socket));
  }

  /** Connections that are there keep the old pair. */
  show(pair: KeyPair): void {
    this.#tls?.setSecureContext({ ...pair, minVersion: "TLSv1.2" });
  }

  async #listen(at: ListenAddress, take: (socket: Socket) => unknown): Promise<number> {
    const server = createServer({ noDelay: true }, (socket) => {
      if (this.#admission.admits(socket)) take(socket);
    });
    const port = await listenHttp(server, `viewers (${at.flag})`, at.host, at.port);
    this.#servers.push(server);
    return port;
  }

  /**
   * Ends what is idle while all requests are still answered.
   * @returns when no viewer is connected any more, or the time is over.
   */
  async drain(graceMs: number): Promise<void> {
    const { clock, busy } = this.#deps;
    const fromMs = clock.monotonicMs();
    for (;;) {
      this.#http1.closeIdle(busy());
      this.#http2.closeIdle();
      const spentMs = clock.monotonicMs() - fromMs;
      if (spentMs >= graceMs) return;
      if (spentMs >= DRAIN_LEAST_MS && this.#admission.open === 0) return;
      await clock.sleep(Math.min(DRAIN_LOOK_MS, graceMs - spentMs));
    }
  }

  /** Takes no more connections, and cuts those that are there. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    const closed = this.#servers.map((server) => new Promise((resolve) => server.close(resolve)));
    this.#http1[Symbol.dispose]();
    this.#http2[Symbol.dispose]();
    this.#admission.cut();
    await Promise.all(closed);
  }
}

/**
 * Of a list, Node makes each connection a copy in a pool of buffers, of which 64 KiB then stay as long as the connection; so a function
 * chooses.
 */
const chosen = ({ protocols }: { protocols: readonly string[] }): string | undefined =>
  ["h2", "http/1.1"].find((protocol) => protocols.includes(protocol));
