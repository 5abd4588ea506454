/** The way of a request: store, else a fetch that all who want the same object share. */
import type { Clock } from "@glassline/service/clock";

import type { Address } from "./core/address.ts";
import type { Outcome } from "./core/cache-status.ts";
import type { OriginAnswer } from "./core/freshness.ts";
import { freshMs } from "./core/freshness.ts";
import type { Purged, Store, StoredObject } from "./stores/store.ts";
import type { Upstream } from "./upstream/upstream.ts";

export interface Answer {
  object: StoredObject;
  outcome: Outcome;
}

interface Fetched {
  object: StoredObject;
  stored: boolean;
  /** Whether the answer may be given to others who wait for it. */
  shared: boolean;
}

export interface CacheDeps {
  store: Store;
  upstream: Upstream;
  clock: Clock;
  /** Told of each whole answer of the origin. */
  fetched: (bytes: number) => void;
}

export class Cache {
  readonly #deps: CacheDeps;
  readonly #inFlight = new Map<string, Promise<Fetched>>();
  /** A fetch that began before a purge must not bring back what was purged. */
  #purges = 0;

  constructor(deps: CacheDeps) {
    this.#deps = deps;
  }

  /** Rejects with UpstreamError when the origin gives no answer. */
  async get(address: Address): Promise<Answer> {
    const { store, clock } = this.#deps;
    const known = store.get(address.key);
    const nowMs = clock.monotonicMs();
    if (known && known.freshUntilMs > nowMs)
      return {
        object: known,
        outcome: { kind: "hit", ttlS: (known.freshUntilMs - nowMs) / 1_000 },
      };
    const reason = known ? "stale" : "uri-miss";
    const waitedFor = this.#inFlight.get(address.key);
    if (waitedFor) {
      const { object, stored, shared } = await waitedFor;
      if (shared)
        return { object, outcome: { kind: "coalesced", reason, status: object.status, stored } };
    }
    const { object, stored } = await this.#fetchShared(address);
    return { object, outcome: { kind: "miss", reason, status: object.status, stored } };
  }

  purge(target: { key: string } | { tag: string } | "everything"): Purged {
    this.#purges++;
    // Whoever asks from now on must not be given what was asked for before.
    this.#inFlight.clear();
    const { store } = this.#deps;
    if (target === "everything") return store.purgeAll();
    return "key" in target ? store.purgeKey(target.key) : store.purgeTag(target.tag);
  }

  async #fetchShared(address: Address): Promise<Fetched> {
    const fetching = this.#fetch(address);
    this.#inFlight.set(address.key, fetching);
    try {
      return await fetching;
    } finally {
      if (this.#inFlight.get(address.key) === fetching) this.#inFlight.delete(address.key);
    }
  }

  async #fetch({ key, kind }: Address): Promise<Fetched> {
    const { store, upstream, clock, fetched } = this.#deps;
    // Freshness counts from the request on: an answer may have been made any time since (RFC 9111 section 4.2.3).
    const askedMs = clock.monotonicMs();
    const purges = this.#purges;
    const answer = await upstream.fetch(key);
    fetched(answer.body.length);
    const keptMs = freshMs(answer, kind);
    const object = objectOf(answer, askedMs, keptMs);
    const stored = keptMs > 0 && purges === this.#purges && store.set(key, object);
    return { object, stored, shared: keptMs > 0 || answer.status >= 500 };
  }
}

function objectOf(
  { status, headers, body }: OriginAnswer,
  storedMs: number,
  keptMs: number,
): StoredObject {
  return {
    status,
    contentType: headers["content-type"] ?? "application/octet-stream",
    cacheControl: headers["cache-control"],
    etag: headers["etag"],
    body,
    tags: (headers["surrogate-key"] ?? "").split(/\s+/).filter((tag) => tag !== ""),
    storedMs,
    freshUntilMs: storedMs + keptMs,
  };
}
