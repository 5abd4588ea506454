/** What edges tell, and what viewers get through them: asked once for all checks that look at about the same time. */
import type { EdgeCacheService, GetStatusResponse } from "@glassline/proto/edge";
import type { Client } from "@glassline/proto/rpc";
import type { Clock } from "@glassline/service/clock";

import type { PlaylistView } from "../core/judge/channels.ts";
import { isLive } from "../core/judge/channels.ts";
import type { Verdict } from "../core/verdict.ts";
import { Lately } from "../lately.ts";
import type { Network } from "../network.ts";
import { LIMITED } from "../network.ts";
import { viewsThrough } from "./playlists.ts";

const LATELY_MS = 250;

type EdgeClient = Client<typeof EdgeCacheService>;

/** An error: it does not answer. */
export type Status = GetStatusResponse | Error;

/** A verdict: they cannot be judged. */
export interface Seen {
  views: readonly PlaylistView[] | Verdict;
  atMs: number;
}

interface Looks {
  status: Lately<Status>;
  seen: Lately<Seen | undefined>;
}

export class EdgeLooks {
  readonly #channels: Network["channels"];
  readonly #clock: Clock;
  readonly #forMs: number;
  readonly #looks = new WeakMap<EdgeClient, Looks>();

  /** @param intervalMs between two looks. */
  constructor({ channels }: Pick<Network, "channels">, clock: Clock, intervalMs: number) {
    this.#channels = channels;
    this.#clock = clock;
    this.#forMs = Math.min(LATELY_MS, intervalMs / 2);
  }

  /** @param isAnew what was told a moment ago does not count. */
  status(edge: EdgeClient, isAnew?: boolean): Promise<Status> {
    return this.#of(edge).status.get(isAnew);
  }

  /** Channels whose encoder still sends, as a viewer gets them. Undefined: the edge does not answer. */
  seen(edge: EdgeClient, isAnew?: boolean): Promise<Seen | undefined> {
    return this.#of(edge).seen.get(isAnew);
  }

  #of(edge: EdgeClient): Looks {
    const known = this.#looks.get(edge);
    if (known) return known;
    const options = { forMs: this.#forMs, clock: this.#clock };
    const status = new Lately<Status>(
      () => edge.getStatus({}, LIMITED).catch((error: unknown) => error as Error),
      options,
    );
    const looks = { status, seen: new Lately(() => this.#see(status), options) };
    this.#looks.set(edge, looks);
    return looks;
  }

  async #see(status: Lately<Status>): Promise<Seen | undefined> {
    const told = await status.get();
    if (told instanceof Error) return undefined;
    const nowMs = this.#clock.nowMs();
    const live = this.#channels.known().filter((channel) => isLive(channel, nowMs));
    const views = await viewsThrough(told.publicUrl, live);
    return { views, atMs: this.#clock.nowMs() };
  }
}
