/** A stream of HTTP/2 (RFC 9113) as a question and its answer. */
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http";
import type { ServerHttp2Stream } from "node:http2";
import { constants } from "node:http2";

import type { Answering, Asking } from "../viewer-exchange.ts";

export class H2Asking implements Asking {
  readonly httpVersion = "2.0";
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly socket: Asking["socket"];
  readonly #raw: readonly string[];
  #lines: readonly string[] | undefined;

  /** @param headers with `host` where the authority was told so. */
  constructor(headers: IncomingHttpHeaders, raw: readonly string[], socket: Asking["socket"]) {
    this.headers = headers;
    this.socket = socket;
    this.method = headers[":method"] as string;
    this.url = (headers[":path"] as string | undefined) ?? "";
    this.#raw = raw;
  }

  /** As HTTP/1.1 has them: Host instead of :authority (section 8.3.1), one line of cookies (section 8.2.3). */
  get rawHeaders(): readonly string[] {
    return (this.#lines ??= linesOf(this.#raw, this.headers));
  }
}

function linesOf(raw: readonly string[], headers: IncomingHttpHeaders): string[] {
  const authority = headers[":authority"] as string | undefined;
  const lines = authority === undefined ? [] : ["host", authority];
  const cookies: string[] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const [name, value] = [raw[at]!, raw[at + 1]!];
    if (name === "cookie") cookies.push(value);
    else if (!name.startsWith(":") && (name !== "host" || authority === undefined))
      lines.push(name, value);
  }
  if (cookies.length > 0) lines.push("cookie", cookies.join("; "));
  return lines;
}

/** An origin may have sent one that is none (RFC 9110 section 15), which HTTP/2 of Node does not send on. */
const STATUS_MAX = 599;
const BAD_GATEWAY = 502;

/** The head waits for the first bytes of the body: with the end alone, one frame is enough. */
export class H2Answering implements Answering {
  sendDate = true;
  readonly chunkedEncoding = true;
  readonly #stream: ServerHttp2Stream;
  #status = 0;
  #head: string[] = [];
  #trailers: OutgoingHttpHeaders = {};
  #givenBytes = 0;

  constructor(stream: ServerHttp2Stream) {
    this.#stream = stream;
  }

  get headersSent(): boolean {
    return this.#stream.headersSent;
  }

  /** Also when the client has given it up and Node has not cleared it away yet. */
  get destroyed(): boolean {
    return this.#stream.destroyed || this.#stream.closed;
  }

  /** Of what was written, what has been sent: told when a whole write has been. */
  get takenBytes(): number {
    return this.#givenBytes - this.#stream.writableLength;
  }

  /** Written, and not sent yet. */
  get waitingBytes(): number {
    return this.#stream.writableLength;
  }

  writeHead(status: number, head: string[]): void {
    this.#status = status;
    this.#head = head;
  }

  writeInformation(status: number, fields: OutgoingHttpHeaders): void {
    const lines = Object.entries(fields).flatMap(([name, value]) =>
      [value].flat().flatMap((one) => [name, String(one)]),
    );
    this.#safely(() => this.#stream.additionalHeaders(fieldsOf(lines, { ":status": status })));
  }

  write(chunk: Buffer): boolean {
    const stream = this.#stream;
    if (this.destroyed) return true;
    if (!stream.headersSent) {
      this.#respond({ waitForTrailers: true });
      const lines = () =>
        Object.entries(this.#trailers).flatMap(([name, value]) => [name, String(value)]);
      stream.once("wantTrailers", () =>
        this.#safely(() => stream.sendTrailers(fieldsOf(lines(), {}))),
      );
    }
    this.#givenBytes += chunk.length;
    return stream.write(chunk);
  }

  end(body?: Buffer | string, encoding: BufferEncoding = "utf8"): void {
    const stream = this.#stream;
    if (this.destroyed) return;
    if (!stream.headersSent) this.#respond({ endStream: body === undefined });
    if (body === undefined) return void stream.end();
    this.#givenBytes += body.length;
    stream.end(body, encoding);
  }

  addTrailers(fields: OutgoingHttpHeaders): void {
    this.#trailers = fields;
  }

  destroy(): void {
    this.#stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  }

  once(event: "drain" | "close", listener: () => void): this {
    this.#stream.once(event, listener);
    return this;
  }

  off(event: "drain" | "close", listener: () => void): this {
    this.#stream.off(event, listener);
    return this;
  }

  #respond(options: { endStream?: boolean; waitForTrailers?: boolean }): void {
    const status = this.#status > STATUS_MAX ? BAD_GATEWAY : this.#status;
    const all = { ...options, sendDate: this.sendDate } as typeof options;
    this.#safely(() => this.#stream.respond(fieldsOf(this.#head, { ":status": status }), all));
  }

  /** Fields that Node does not send cost their stream, not the process. */
  #safely(send: () => void): void {
    if (this.destroyed) return;
    try {
      send();
    } catch {
      this.destroy();
    }
  }
}

/** About a connection (RFC 9113 section 8.2.2). */
const OF_CONNECTION: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
  "http2-settings",
  "te",
]);
/** May stand in several lines; of any other field the first one counts, as most clients read it. */
const LISTS: ReadonlySet<string> = new Set([
  "set-cookie",
  "via",
  "cache-status",
  "cache-control",
  "vary",
  "link",
  "warning",
  "www-authenticate",
  "proxy-authenticate",
  "server-timing",
  "allow",
  "cache-tag",
  "surrogate-key",
]);

/** Node 24 takes lines as they are, older ones only names with their values. */
function fieldsOf(head: readonly string[], fields: OutgoingHttpHeaders): OutgoingHttpHeaders {
  for (let at = 0; at + 1 < head.length; at += 2) {
    const [name, value] = [head[at]!.toLowerCase(), head[at + 1]!];
    if (OF_CONNECTION.has(name)) continue;
    const known = fields[name];
    if (known === undefined) fields[name] = value;
    else if (LISTS.has(name) || name.startsWith("x-"))
      fields[name] = [known, value].flat().map(String);
  }
  return fields;
}
