/** What a question to the origin is made of, and what comes of it. */
import type { Clock } from "@glassline/service/clock";

import type { Addresses } from "./core/addresses.ts";
import type { FieldLine, Fields } from "./core/http/fields.ts";
import type { Policy } from "./core/http/freshness.ts";
import type { Selecting } from "./core/http/vary.ts";
import type { InFlight } from "./core/in-flight.ts";
import type { Purges } from "./core/purges.ts";
import type { CacheRequest } from "./request.ts";
import type { SharedBody } from "./shared-body.ts";
import type { Store, StoredResponse } from "./stores/store.ts";
import type { Upstream } from "./upstream/upstream.ts";

export interface ExchangeDeps {
  addresses: Addresses;
  store: Store;
  purges: Purges;
  upstream: Upstream;
  clock: Clock;
  /** This edge, as Via names it. */
  name: string;
  objectMaxBytes: number;
  inFlight: InFlight;
  /** Told of each whole answer of the origin. */
  fetched: (bytes: number) => void;
  /** For how long an answer that was waited for is kept at this path, milliseconds; undefined: as the rules of HLS say. */
  blockingMs: (path: string) => number | undefined;
  /** A playlist names it as the part that comes next: the origin holds the question for it. */
  isHinted: (key: string) => boolean;
  /** A playlist names ranges of it: there may be more of it than there was. */
  grows: (key: string) => boolean;
  /** Forgets objects here, and wherever else this edge would ask for them. */
  invalidate: (keys: Iterable<string>) => Promise<void>;
}

/** The store has the answer: it was confirmed, completed, or is used because the origin failed. */
export interface FromStore {
  kind: "stored";
  response: StoredResponse;
  /** Of the origin; undefined: it gave none. */
  status: number | undefined;
  isStale: boolean;
  /** Those who ask for the same at this time may have it. */
  isShared: boolean;
}

/** The answer comes from the origin. */
export interface FromOrigin {
  kind: "streamed";
  status: number;
  fields: Fields;
  /** Without what is for one client only. */
  sharedFields: Fields;
  body: SharedBody;
  trailers: () => readonly FieldLine[];
  /** Which requests it may be given to. */
  selecting: Selecting;
  policy: Policy;
  /** When it was made, and when its head came, monotonic milliseconds. */
  bornMs: number;
  atMs: number;
  /** It will be in the store. */
  isStored: boolean;
  /** Those who ask for the same at this time may have it. */
  isShared: boolean;
}

export type Exchanged = FromStore | FromOrigin;

export interface Asked {
  request: CacheRequest;
  /** What the store has, which the origin is asked about. */
  stored: StoredResponse | undefined;
  /** Number of the newest purge when it is asked. */
  since: number;
  /** Whether an answer with these tags may go to the store: no purge since. */
  mayKeep: (tags: readonly string[]) => boolean;
  /** Ends the question: nobody wants its answer. */
  abort: AbortController;
}
