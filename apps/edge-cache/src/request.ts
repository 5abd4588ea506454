/** A request as the cache takes it. */
import type { Readable } from "node:stream";

import type { Address } from "./core/address.ts";
import type { Directives } from "./core/http/directives.ts";
import type { Fields } from "./core/http/fields.ts";
import { requestDirectives } from "./core/http/reuse.ts";
import { rulesOf } from "./core/hls-rules.ts";

/** Who waits for an answer. Lighter than a signal, since each request has one. */
export interface Client {
  readonly isGone: boolean;
  /** Called when it goes, also when it has all that it asked for. @returns what takes the listener back, of one who outlives the request. */
  onGone(listener: () => void): (() => void) | undefined;
}

export const clientOf = (signal: AbortSignal): Client => ({
  get isGone() {
    return signal.aborted;
  },
  onGone: (listener) => {
    signal.addEventListener("abort", listener, { once: true });
    return () => signal.removeEventListener("abort", listener);
  },
});

export interface CacheRequest {
  method: string;
  address: Address;
  /** End to end. */
  readonly fields: Fields;
  /** What the client says of caching, where it is heard. */
  readonly directives: Directives;
  /** It has a condition or a range: less than the whole may be the answer. */
  isConditional: boolean;
  /** Of a method that sends something. */
  body: Readable | undefined;
  informed?: (status: number, fields: Fields) => void;
  /** Another edge of the cluster asks. */
  readonly isFromMember?: boolean;
  /** Undefined: it waits to the end. */
  readonly client?: Client;
}

const UNHEARD: Directives = new Map();

export function cacheRequest(
  method: string,
  address: Address,
  fields: Fields,
  more: Partial<Pick<CacheRequest, "body" | "informed" | "client">> = {},
): CacheRequest {
  const directives = heard(address, fields);
  const isConditional = MAKE_LESS.some((name) => fields.has(name));
  return { method, address, fields, directives, isConditional, body: undefined, ...more };
}

/** Of a request, what makes its answer less than the whole. */
export const MAKE_LESS = ["if-none-match", "if-modified-since", "range"] as const;

/** What a client says of caching, where it is heard. */
export function heard(address: Address, fields: Fields): Directives {
  return rulesOf(address.kind).hearsClients ? requestDirectives(fields) : UNHEARD;
}
