/**
 * For one rendition, has here what viewers ask for next. While somebody waits for parts, it holds the reload that waits for the next one, and
 * the part that is hinted at; otherwise it fetches each new segment.
 */
import { PlaylistError, parsePlaylist } from "@glassline/hls/playlist";
import type { Clock } from "@glassline/service/clock";
import { messageOf } from "@glassline/service/errors";
import type { Logger } from "@glassline/service/logger";

import type { Cache } from "../cache.ts";
import type { Addresses } from "../core/addresses.ts";
import { isKept } from "../core/cache-status.ts";
import { Fields } from "../core/http/fields.ts";
import type { Rendition } from "../core/rendition.ts";
import { renditionOf } from "../core/rendition.ts";
import type { Client } from "../request.ts";
import { cacheRequest, clientOf } from "../request.ts";
import { SharedBody } from "../shared-body.ts";
import { UpstreamError } from "../upstream/upstream.ts";

const DELTA = "&_HLS_skip=YES";
const NOT_KEPT = Symbol("not kept");
const NO_FIELDS = new Fields([]);
const RETRY_MS = 1_000;
/** A server that answers at once when it should wait is not asked the same more often. */
const LEAST_INTERVAL_MS = 20;

export interface FollowerDeps {
  cache: Cache;
  addresses: Addresses;
  clock: Clock;
  logger: Logger;
  /** What came, and what the playlist names no more; keys. */
  moved: (now: Rendition, gone: readonly string[]) => void;
  fetched: (kind: "playlist" | "part" | "segment") => void;
}

/** Why a rendition is followed no more: nobody watches it; or it is none that changes. */
export type Ended = "unwatched" | "still";

export class Follower {
  /** Key of the playlist as it is now. */
  readonly resource: string;
  /** When a viewer asked for it, monotonic milliseconds. */
  seenMs: number;
  /** When one waited for a playlist, when it was one with a part more, and when one asked for a delta update. */
  #waitSeenMs = Number.NEGATIVE_INFINITY;
  #partSeenMs = Number.NEGATIVE_INFINITY;
  #skipSeenMs = Number.NEGATIVE_INFINITY;
  #pause: AbortController | undefined;
  /** What the first one that waits asks for. */
  #wanted: string | undefined;
  #rendition: Rendition | undefined;
  readonly #deps: FollowerDeps;
  readonly #stop: AbortSignal;
  readonly #client: Client;
  /** Keys by their names, which have ranges. */
  readonly #taken = new Map<string, string>();

  constructor(resource: string, stop: AbortSignal, deps: FollowerDeps) {
    this.resource = resource;
    this.#deps = deps;
    this.#stop = stop;
    this.#client = clientOf(stop);
    this.seenMs = deps.clock.monotonicMs();
  }

  get rendition(): Rendition | undefined {
    return this.#rendition;
  }

  saw(): void {
    this.seenMs = this.#deps.clock.monotonicMs();
  }

  /** A viewer waits for a playlist. @param key of it, whole or as a delta update. */
  waits(key: string): void {
    this.saw();
    const isFirst = !this.#isWaitedFor();
    this.#waitSeenMs = this.seenMs;
    if (/[?&]_HLS_part=/.test(key)) this.#partSeenMs = this.seenMs;
    if (key.includes(DELTA)) this.#skipSeenMs = this.seenMs;
    // Where it is not known yet what there is, it is looked at first.
    if (!isFirst || !this.#rendition) return;
    this.#wanted = key.replace(DELTA, "");
    this.#pause?.abort();
  }

  /** @param idleMs without a viewer, at least; three target durations if that is longer. */
  async run(idleMs: number): Promise<Ended> {
    const { clock } = this.#deps;
    let key = this.resource;
    while (!this.#stop.aborted) {
      const startedMs = clock.monotonicMs();
      const text = await this.#take(key, "playlist");
      if (text === NOT_KEPT) return "still";
      if (text === undefined) {
        key = this.resource;
        await this.#sleep(RETRY_MS);
      } else {
        const before = this.#rendition?.last;
        const rendition = this.#read(text);
        const wasNew = rendition?.last !== before;
        if (!rendition || rendition.isEnded) return "still";
        const next = this.#isWaitedFor() ? rendition.next : undefined;
        const isByPart = next !== undefined && this.#wasSeenLately(this.#partSeenMs);
        const asked = key;
        key = (isByPart ? next.part : next?.segment) ?? this.resource;
        const isWaiting = next !== undefined;
        this.#takeNext(rendition, isWaiting ? key : undefined, isByPart);
        // As players reload (section 6.3.4).
        const reloadMs = wasNew ? rendition.targetMs : rendition.targetMs / 2;
        const heldMs = key === asked ? LEAST_INTERVAL_MS : 0;
        const leastMs = isWaiting ? heldMs : reloadMs;
        const leftMs = leastMs - (clock.monotonicMs() - startedMs);
        if (leftMs > 0) await this.#sleep(leftMs);
        key = this.#wanted ?? key;
        this.#wanted = undefined;
      }
      const targetMs = this.#rendition?.targetMs ?? 0;
      if (!this.#wasSeen(this.seenMs, Math.max(idleMs, 3 * targetMs))) return "unwatched";
    }
    return "unwatched";
  }

  /** Undefined: it is no media playlist. */
  #read(text: string): Rendition | undefined {
    const playlist = playlistOf(text);
    if (playlist?.kind !== "media") return undefined;
    const rendition = renditionOf(playlist, this.resource, this.#deps.addresses);
    const before = this.#rendition?.window ?? new Set();
    const gone = [...before].filter((key) => !rendition.window.has(key));
    this.#rendition = rendition;
    for (const [name, key] of this.#taken) if (!rendition.window.has(key)) this.#taken.delete(name);
    this.#deps.moved(rendition, gone);
    return rendition;
  }

  /** @param waiting the reload that is held next. */
  #takeNext({ hint, newest }: Rendition, waiting: string | undefined, isByPart: boolean): void {
    const hasHint = isByPart && hint !== undefined;
    // A resource that grows by its parts is held open as a whole, once.
    for (const { key, range } of hasHint ? [{ key: hint, range: undefined }] : newest) {
      const name = `${key} ${range}`;
      if (this.#taken.has(name)) continue;
      this.#taken.set(name, key);
      void this.#take(key, hasHint ? "part" : "segment", range);
    }
    // Players that take delta updates wait for another text.
    if (waiting !== undefined && this.#wasSeenLately(this.#skipSeenMs))
      void this.#take(`${waiting}${DELTA}`, "playlist");
  }

  #isWaitedFor(): boolean {
    return this.#wasSeenLately(this.#waitSeenMs);
  }

  #wasSeenLately(seenMs: number): boolean {
    return this.#wasSeen(seenMs, 3 * (this.#rendition?.targetMs ?? 0));
  }

  /** Ends early when a viewer begins to wait. */
  async #sleep(lengthMs: number): Promise<void> {
    this.#pause = new AbortController();
    const signal = AbortSignal.any([this.#stop, this.#pause.signal]);
    await this.#deps.clock.sleep(lengthMs, signal).catch(() => {});
    this.#pause = undefined;
  }

  #wasSeen(seenMs: number, withinMs: number): boolean {
    return this.#deps.clock.monotonicMs() - seenMs <= withinMs;
  }

  /** Undefined: it could not be had. */
  async #take(
    key: string,
    kind: "playlist" | "part" | "segment",
    range?: string,
  ): Promise<string | typeof NOT_KEPT | undefined> {
    const address = this.#deps.addresses.read(key);
    if (!address) return undefined;
    try {
      const asked = cacheRequest("GET", address, fieldsOf(range), { client: this.#client });
      const { status, body, outcome } = await this.#deps.cache.get(asked);
      const whole = body instanceof SharedBody ? await wholeOf(body) : body;
      if (status !== (range === undefined ? 200 : 206) || !whole) return undefined;
      // It is for one viewer, or is not to be kept.
      if (!isKept(outcome)) return NOT_KEPT;
      this.#deps.fetched(kind);
      return kind === "playlist" ? whole.toString("utf8") : "";
    } catch (error) {
      if (!(error instanceof UpstreamError) && !this.#stop.aborted)
        this.#deps.logger.warn({ key, reason: messageOf(error) }, "it could not be fetched ahead");
      return undefined;
    }
  }
}

const fieldsOf = (range: string | undefined) =>
  range === undefined ? NO_FIELDS : new Fields([["range", range]]);

function playlistOf(text: string) {
  try {
    return parsePlaylist(text);
  } catch (error) {
    if (error instanceof PlaylistError) return undefined;
    throw error;
  }
}

/** What is not kept is of no use to those who come later: its question ends. */
async function wholeOf(body: SharedBody): Promise<Buffer | undefined> {
  const whole = await body.kept();
  if (whole) return whole;
  await body.leave();
  return undefined;
}
