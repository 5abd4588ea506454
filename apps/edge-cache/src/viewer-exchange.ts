/** A question of a viewer and its answer, by whatever protocol they come and go. node:http has both; HTTP/2 has its own (front/). */
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http";
import type { Readable } from "node:stream";

export interface Asking {
  readonly method?: string | undefined;
  /** As it came: path and query, or an absolute URL. */
  readonly url?: string | undefined;
  /** "1.0", "1.1" or "2.0". */
  readonly httpVersion: string;
  readonly headers: IncomingHttpHeaders;
  /** Names and values in turn. */
  readonly rawHeaders: readonly string[];
  readonly socket: { readonly remoteAddress?: string | undefined; readonly encrypted?: boolean };
}

export interface Answering {
  /** False: the head has a Date. */
  sendDate: boolean;
  readonly headersSent: boolean;
  readonly destroyed: boolean;
  /** Trailers may follow the body. */
  readonly chunkedEncoding: boolean;
  /** It goes out with the first bytes of the body, or with the end. @param head names and values in turn. */
  writeHead(status: number, head: string[]): unknown;
  writeInformation(status: number, fields: OutgoingHttpHeaders): unknown;
  /** @returns false: there is room for more after "drain". */
  write(chunk: Buffer): boolean;
  end(body?: Buffer | string, encoding?: BufferEncoding): unknown;
  addTrailers(fields: OutgoingHttpHeaders): void;
  /** Cuts it off: the client sees that it has not all of it. */
  destroy(): unknown;
  once(event: "drain" | "close", listener: () => void): unknown;
  off(event: "drain" | "close", listener: () => void): unknown;
}

/** What is done with each question. */
export type Handler = (asking: Asking, answering: Answering, body: Readable | undefined) => void;
