/** A viewer's request as the cache takes it. What most answers do not depend on is looked at only when it is asked for. */
import type { Readable } from "node:stream";

import type { Address } from "./core/address.ts";
import type { Directives } from "./core/http/directives.ts";
import { Fields, endToEnd } from "./core/http/fields.ts";
import { redactedFields } from "./core/token-fields.ts";
import type { CacheRequest, Client } from "./request.ts";
import { MAKE_LESS, heard } from "./request.ts";
import type { Answering, Asking } from "./viewer-exchange.ts";

export class ViewerRequest implements CacheRequest, Client {
  readonly method: string;
  readonly address: Address;
  readonly isConditional: boolean;
  readonly informed: (status: number, fields: Fields) => void;
  readonly isFromMember: boolean;
  readonly #request: Asking;
  readonly #response: Answering;
  readonly #body: Readable | undefined;
  readonly #hasToken: boolean;
  #fields: Fields | undefined;
  #directives: Directives | undefined;

  /** @param hasToken of a viewer, for this edge. */
  constructor(
    request: Asking,
    response: Answering,
    body: Readable | undefined,
    address: Address,
    informed: (status: number, fields: Fields) => void,
    { isFromMember = false, hasToken = false } = {},
  ) {
    this.#request = request;
    this.#response = response;
    this.#body = body;
    this.method = request.method ?? "GET";
    this.address = address;
    this.informed = informed;
    this.isFromMember = isFromMember;
    this.#hasToken = hasToken;
    this.isConditional = MAKE_LESS.some((name) => request.headers[name] !== undefined);
  }

  get fields(): Fields {
    return (this.#fields ??= this.#read());
  }

  /** A viewer's token is for this edge alone. */
  #read(): Fields {
    const fields = endToEnd(Fields.ofRaw(this.#request.rawHeaders));
    return this.#hasToken ? redactedFields(fields) : fields;
  }

  get directives(): Directives {
    return (this.#directives ??= heard(
      this.address,
      this.address.kind === "other" ? this.fields : NONE,
    ));
  }

  get client(): Client {
    return this;
  }

  get isGone(): boolean {
    return this.#response.destroyed;
  }

  onGone(listener: () => void): undefined {
    this.#response.once("close", listener);
  }

  get body(): Readable | undefined {
    const { headers, httpVersion } = this.#request;
    const isRead = this.method === "GET" || this.method === "HEAD";
    const isTold = "content-length" in headers || "transfer-encoding" in headers;
    // HTTP/2 says it by the stream.
    return !isRead && (isTold || httpVersion === "2.0") ? this.#body : undefined;
  }
}

const NONE = new Fields([]);
