/** Which renditions are followed: those that somebody watches. */
import type { Clock } from "@glassline/service/clock";
import { messageOf } from "@glassline/service/errors";
import type { Logger } from "@glassline/service/logger";

import type { Cache } from "../cache.ts";
import type { Address } from "../core/address.ts";
import type { Addresses } from "../core/addresses.ts";
import { ForAWhile } from "../core/for-a-while.ts";
import type { Place } from "../core/rendition.ts";
import { placeOf } from "../core/rendition.ts";
import type { Store } from "../stores/store.ts";
import { Follower } from "./follower.ts";

const IDLE_MS = 10_000;
/** So many playlists that do not change are remembered as such, each so long. */
const STILL_MAX = 10_000;
const STILL_MS = 60_000;

export interface FollowingDeps {
  cache: Cache;
  addresses: Addresses;
  store: Store;
  clock: Clock;
  logger: Logger;
  /** At a time; further ones are not followed. 0: none is. */
  most: number;
  fetched: (kind: "playlist" | "part" | "segment") => void;
  refused: () => void;
}

export class Following implements Disposable {
  readonly #deps: FollowingDeps;
  readonly #followers = new Map<string, Follower>();
  /** Playlists that need not be looked at again. */
  readonly #still = new ForAWhile(STILL_MAX, STILL_MS);
  readonly #parts = new Set<string>();
  readonly #stop = new AbortController();

  constructor(deps: FollowingDeps) {
    this.#deps = deps;
  }

  get count(): number {
    return this.#followers.size;
  }

  /** A playlist that is followed names it as a part of a segment. */
  isPart(key: string): boolean {
    return this.#parts.has(key);
  }

  /** A playlist that is followed names it as the part that comes next. */
  isHinted(key: string): boolean {
    for (const { rendition } of this.#followers.values()) if (rendition?.hint === key) return true;
    return false;
  }

  /** A playlist that is followed names ranges of it. */
  grows(key: string): boolean {
    for (const { rendition } of this.#followers.values())
      if (rendition?.ranged.has(key)) return true;
    return false;
  }

  /** A viewer got a playlist. */
  saw({ resource }: Address): void {
    const follower = this.#followers.get(resource);
    if (follower) follower.saw();
    else if (!this.#still.has(resource, this.#deps.clock.monotonicMs())) this.#follow(resource);
  }

  /** A viewer waits for a playlist. */
  waits({ resource, key }: Address): void {
    this.#followers.get(resource)?.waits(key);
  }

  /** Where that lies which it waits for; "near" where nobody knows. */
  placeOf(address: Address): Place {
    if (!address.isBlocking) return "near";
    const rendition = this.#followers.get(address.resource)?.rendition;
    return rendition ? placeOf(rendition, address) : "near";
  }

  [Symbol.dispose](): void {
    this.#stop.abort();
  }

  #follow(resource: string): void {
    const { cache, addresses, clock, store, fetched, most, logger } = this.#deps;
    if (this.#followers.size >= most) return this.#deps.refused();
    const follower: Follower = new Follower(resource, this.#stop.signal, {
      cache,
      addresses,
      clock,
      logger,
      fetched,
      moved: ({ parts }, gone) => {
        for (const key of parts) this.#parts.add(key);
        for (const key of gone) {
          this.#parts.delete(key);
          store.leave(key);
        }
      },
    });
    this.#followers.set(resource, follower);
    const run = async () => {
      try {
        if ((await follower.run(IDLE_MS)) === "still")
          this.#still.add(resource, clock.monotonicMs());
      } catch (error) {
        logger.error(
          { key: resource, reason: messageOf(error) },
          "a rendition is followed no more",
        );
        this.#still.add(resource, clock.monotonicMs());
      } finally {
        this.#followers.delete(resource);
        for (const key of follower.rendition?.parts ?? []) this.#parts.delete(key);
      }
    };
    void run();
  }
}
