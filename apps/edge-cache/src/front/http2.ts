/** HTTP/2 for viewers (RFC 9113): connections are handed in, each stream is a question. */
import type { IncomingHttpHeaders } from "node:http";
import type { ServerHttp2Session, ServerHttp2Stream, ServerOptions } from "node:http2";
import { constants, performServerHandshake } from "node:http2";
import { Readable } from "node:stream";
import type { TLSSocket } from "node:tls";

import type { Clock } from "@glassline/service/clock";

import { RequestRates } from "@glassline/service/request-rates";
import { SlowReaders } from "../core/slow-readers.ts";
import type { Asking, Handler } from "../viewer-exchange.ts";
import { H2Answering, H2Asking } from "./h2-exchange.ts";
import type { FrontLimits } from "./limits.ts";
import type { Refused } from "./refusals.ts";

const STREAMS_MAX = 100;
/** Sent and not yet taken, with what streams need themselves. Bodies are shared, and handed over piece by piece. */
const SESSION_MEMORY_MB = 64;
/** Streams that end without a whole answer, by whoever's fault: players do so when they seek (CVE-2023-44487). */
const RESETS = { perSecond: 20, burst: 200 } as const;
/** Says that the connection will end, before it is said which streams are the last (section 6.8). */
const LAST_STREAM_UNKNOWN = 2 ** 31 - 1;
const FIELD_OVERHEAD_BYTES = 32;
const IGNORED = () => {};

interface Session {
  session: ServerHttp2Session;
  socket: TLSSocket;
  about: Asking["socket"];
  /** Under way. */
  answers: Map<ServerHttp2Stream, H2Answering>;
  /** Questions whose body still comes, and since when. */
  uploads: Map<ServerHttp2Stream, number>;
  /** When the last stream ended. */
  usedMs: number;
  /** It has been told that the connection will end. */
  isWarned: boolean;
}

/** As SETTINGS_MAX_HEADER_LIST_SIZE counts (RFC 9113 section 6.5.2). */
function headerBytesOf(raw: readonly string[]): number {
  let bytes = raw.length * (FIELD_OVERHEAD_BYTES / 2);
  for (const text of raw) bytes += text.length;
  return bytes;
}

/** On its own: whoever is done with it, and destroys it, leaves the answer be. */
const bodyOf = (stream: ServerHttp2Stream): Readable =>
  Readable.from(stream.iterator({ destroyOnReturn: false }), { objectMode: false });

export class Http2 implements Disposable {
  readonly #options: ServerOptions;
  readonly #handle: Handler;
  readonly #refused: Refused;
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #headerBytes: number;
  readonly #slow: SlowReaders<H2Answering>;
  readonly #resets: RequestRates<Session>;
  readonly #sessions = new Set<Session>();

  constructor(
    handle: Handler,
    { timeoutMs, headerBytes, connectionsMax }: FrontLimits,
    refused: Refused,
    clock: Clock,
  ) {
    this.#handle = handle;
    this.#refused = refused;
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    this.#headerBytes = headerBytes;
    this.#slow = new SlowReaders(timeoutMs);
    this.#resets = new RequestRates({ ...RESETS, clientsMax: connectionsMax });
    this.#options = {
      maxSessionMemory: SESSION_MEMORY_MB,
      // Node resets streams that have more, without a word and uncounted. So it allows more than we do.
      maxHeaderListPairs: Math.ceil((2 * headerBytes) / FIELD_OVERHEAD_BYTES),
      settings: { maxConcurrentStreams: STREAMS_MAX, maxHeaderListSize: 2 * headerBytes },
    };
  }

  take(socket: TLSSocket): void {
    const session = performServerHandshake(socket, this.#options);
    const { remoteAddress } = socket;
    const one: Session = {
      session,
      socket,
      about: { remoteAddress, encrypted: true },
      answers: new Map(),
      uploads: new Map(),
      usedMs: this.#clock.monotonicMs(),
      isWarned: false,
    };
    this.#sessions.add(one);
    session.on("error", IGNORED);
    session.once("close", () => {
      this.#sessions.delete(one);
      this.#resets.forget(one);
    });
    session.on("stream", (stream, headers, _flags, raw) => this.#asked(one, stream, headers, raw));
  }

  #asked(
    one: Session,
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    raw: readonly string[],
  ): void {
    const answering = new H2Answering(stream);
    one.answers.set(stream, answering);
    stream.on("error", IGNORED);
    stream.on("close", () => this.#ended(one, stream));
    // It may have been given up in the same packet.
    if (answering.destroyed) return;
    if (headerBytesOf(raw) > this.#headerBytes) {
      this.#refused("header");
      answering.writeHead(431, ["content-length", "0"]);
      return void answering.end();
    }
    const body = stream.endAfterHeaders ? undefined : bodyOf(stream);
    if (body) one.uploads.set(stream, this.#clock.monotonicMs());
    this.#handle(new H2Asking(headers, raw, one.about), answering, body);
  }

  #ended(one: Session, stream: ServerHttp2Stream): void {
    one.answers.delete(stream);
    one.uploads.delete(stream);
    one.usedMs = this.#clock.monotonicMs();
    if (stream.rstCode === constants.NGHTTP2_NO_ERROR || one.session.destroyed) return;
    if (this.#resets.take(one, one.usedMs) === 0) return;
    this.#refused("resets");
    const error = new Error("streams: got more given up than a player has reason to give up");
    one.session.destroy(error, constants.NGHTTP2_ENHANCE_YOUR_CALM);
  }

  /** Closes connections that are not used, and cuts those who ask or take their answers too slowly. */
  look(nowMs: number): void {
    for (const one of this.#sessions) {
      if (one.answers.size === 0) this.#lookIdle(one, nowMs);
      else this.#lookBusy(one, nowMs);
    }
    this.#slow.endRound();
  }

  #lookIdle({ session, socket, usedMs }: Session, nowMs: number): void {
    const idleMs = nowMs - usedMs;
    // Who does not take the goodbye either is cut.
    if (idleMs > 2 * this.#timeoutMs) socket.destroy();
    else if (idleMs > this.#timeoutMs && !session.closed) session.close();
  }

  #lookBusy({ answers, uploads, socket }: Session, nowMs: number): void {
    for (const answering of answers.values()) {
      const { takenBytes, waitingBytes } = answering;
      if (waitingBytes === 0) continue;
      if (!this.#slow.isTooSlow(answering, takenBytes, waitingBytes, nowMs)) continue;
      this.#refused("slow_reader");
      return void socket.destroy();
    }
    for (const [stream, sinceMs] of uploads) {
      if (stream.readableEnded) uploads.delete(stream);
      else if (nowMs - sinceMs > this.#timeoutMs) {
        this.#refused("slow_request");
        stream.close(constants.NGHTTP2_CANCEL);
      }
    }
  }

  /** Each connection is told that it will end; at the next call, it ends with the streams that are under way by then. */
  closeIdle(): void {
    for (const one of this.#sessions) {
      if (one.session.destroyed) continue;
      if (one.isWarned) one.session.close();
      else one.session.goaway(constants.NGHTTP2_NO_ERROR, LAST_STREAM_UNKNOWN);
      one.isWarned = true;
    }
  }

  [Symbol.dispose](): void {
    for (const { session, socket } of this.#sessions) {
      session.destroy();
      socket.destroy();
    }
  }
}
