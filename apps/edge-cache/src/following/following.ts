/** Which renditions are followed: those that somebody watches. */
import type { Clock } from "@glassline/service/clock";
import { messageOf } from "@glassline/service/errors";
import type { Logger } from "@glassline/service/logger";

import type { Cache } from "../cache.ts";
import type { Address } from "../core/address.ts";
import { ForAWhile } from "../core/for-a-while.ts";
import { isTooFar } from "../core/rendition.ts";
import type { Store } from "../stores/store.ts";
import { Follower } from "./follower.ts";

const IDLE_MS = 10_000;
/** So many playlists that do not change are remembered as such, each so long. */
const STILL_MAX = 10_000;
const STILL_MS = 60_000;

export interface FollowingDeps {
  cache: Cache;
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

  /** A viewer got a playlist. */
  saw({ path }: Address): void {
    const follower = this.#followers.get(path);
    if (follower) follower.saw();
    else if (!this.#still.has(path, this.#deps.clock.monotonicMs())) this.#follow(path);
  }

  /** A viewer waits for a playlist. */
  waits({ path, key }: Address): void {
    this.#followers.get(path)?.waits(key);
  }

  /** It asks for more than the server could have soon. */
  isTooFar({ path, key, isBlocking }: Address): boolean {
    const rendition = isBlocking ? this.#followers.get(path)?.rendition : undefined;
    const sequence = rendition && /[?&]_HLS_msn=(\d{1,15})(?:&|$)/.exec(key)?.[1];
    return sequence !== undefined && isTooFar(rendition!, Number(sequence));
  }

  [Symbol.dispose](): void {
    this.#stop.abort();
  }

  #follow(path: string): void {
    const { cache, clock, store, fetched, most, logger } = this.#deps;
    if (this.#followers.size >= most) return this.#deps.refused();
    const follower: Follower = new Follower(path, this.#stop.signal, {
      cache,
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
    this.#followers.set(path, follower);
    const run = async () => {
      try {
        if ((await follower.run(IDLE_MS)) === "still") this.#still.add(path, clock.monotonicMs());
      } catch (error) {
        logger.error({ path, reason: messageOf(error) }, "a rendition is followed no more");
        this.#still.add(path, clock.monotonicMs());
      } finally {
        this.#followers.delete(path);
        for (const key of follower.rendition?.parts ?? []) this.#parts.delete(key);
      }
    };
    void run();
  }
}
