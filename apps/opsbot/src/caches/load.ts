/** A test load: players that begin one after another, each with a session of its own, and what they get, counted. */
import { randomUUID } from "node:crypto";

import type { HttpAnswer, HttpGet } from "@glassline/hls/fetch";
import { getAs } from "@glassline/hls/fetch";
import type { PlayerReport } from "@glassline/hls/player";
import { Player } from "@glassline/hls/player";
import type { Clock } from "@glassline/service/clock";
import { messageOf, systemCodeOf } from "@glassline/service/errors";

import { isHit } from "../core/caches/cache-status.ts";
import { Latencies } from "../core/caches/latencies.ts";
import type { LoadCounts } from "../core/caches/load-counts.ts";
import { addReason } from "../core/caches/load-counts.ts";

export interface LoadEdge {
  name: string;
  /** "http://localhost:7471" */
  publicUrl: string;
}

/** The part of a load that one process plays. */
export interface LoadWish {
  /** Of other addresses nothing is asked. */
  edges: readonly LoadEdge[];
  /** Of a playlist: "/live/cam-0001/index.m3u8". */
  path: string;
  /** From 0; each begins at another edge and at another moment. */
  numbers: readonly number[];
  /** Of all processes together. */
  players: number;
  forMs: number;
  /** Players begin within this time. */
  startOverMs: number;
  /** Of a viewer. */
  token?: string | undefined;
}

/** By it, access logs tell a load from viewers. */
const USER_AGENT = "glassline-load";
const OK = 200;
/** As much as players of iPhones fetch ahead of what ended. */
const BUFFER_MAX_MS = 30_000;

/** Resolves after the time, or when the signal is aborted. Never rejects for what a server does. */
export async function load(
  wish: LoadWish,
  { clock, signal }: { clock: Clock; signal: AbortSignal },
): Promise<LoadCounts> {
  const over = new AbortController();
  const until = AbortSignal.any([signal, over.signal]);
  const asking = new CountedAsking(wish, until);
  const playing = wish.numbers.map((number) => play(wish, number, asking, clock, until));
  const timer = clock.sleep(wish.forMs, signal).catch(() => {});
  const all = Promise.all(playing);
  // What has ended is played to its end, and not again.
  await Promise.race([timer, all]);
  over.abort();
  const reports = await all;
  return { ...asking.counts(), ...playedOf(reports), lateMs: 0 };
}

async function play(
  { edges, path, players, startOverMs }: LoadWish,
  number: number,
  asking: CountedAsking,
  clock: Clock,
  until: AbortSignal,
): Promise<PlayerReport | undefined> {
  await clock.sleep((number / players) * startOverMs, until).catch(() => {});
  if (until.aborted) return undefined;
  const first = number % edges.length;
  const urls = [...edges.slice(first), ...edges.slice(0, first)].map(
    ({ publicUrl }) => new URL(path, publicUrl).href,
  );
  const player = new Player({
    urls,
    clock,
    sessionId: `load-${randomUUID()}`,
    get: asking.get,
    isAdaptive: true,
    // Each second one is a player of low latency, where the channel is.
    hasParts: Math.floor(number / edges.length) % 2 === 0,
    bufferMaxMs: BUFFER_MAX_MS,
    mayPlay: (url) => asking.isKnown(url),
  });
  try {
    return await player.play(until);
  } catch (error) {
    // A playlist that no player can follow.
    asking.failed(messageOf(error));
    return player.report;
  }
}

function playedOf(reports: readonly (PlayerReport | undefined)[]) {
  const played = reports.filter((report) => report !== undefined);
  return {
    segments: played.reduce((sum, { segments }) => sum + segments, 0),
    stalls: played.reduce((sum, { stalls }) => sum + stalls, 0),
    idle: reports.length - played.filter(({ segments }) => segments > 0).length,
  };
}

/** HTTP of all players of a process. */
class CountedAsking {
  readonly #get = getAs(USER_AGENT);
  /** By origin. */
  readonly #edges: ReadonlyMap<string, string>;
  readonly #token: string | undefined;
  readonly #until: AbortSignal;
  readonly #firstByte = new Latencies();
  readonly #reasons: Record<string, number> = {};
  #requests = 0;
  #errors = 0;
  #judged = 0;
  #hits = 0;
  #bytes = 0;

  constructor({ edges, token }: LoadWish, until: AbortSignal) {
    this.#edges = new Map(edges.map(({ name, publicUrl }) => [new URL(publicUrl).origin, name]));
    this.#token = token;
    this.#until = until;
  }

  isKnown(url: string): boolean {
    return this.#edges.has(new URL(url).origin);
  }

  readonly get: HttpGet = async (url, signal) => {
    const address = new URL(url);
    const edge = this.#edges.get(address.origin);
    if (edge === undefined) {
      this.#requests++;
      this.failed(`an address of another server: ${address.origin}`);
      throw new TypeError(`${address.origin}: not asked, it is no edge that is tested`);
    }
    const isSteering = address.pathname.startsWith("/steering/");
    // As players do that know EXT-X-DEFINE; for steering nobody needs one.
    if (this.#token && !isSteering) address.searchParams.set("access_token", this.#token);
    const isHeld = isSteering || address.searchParams.has("_HLS_msn");
    try {
      const answer = await this.#get(address.href, signal);
      this.#answered(edge, answer, isHeld);
      return answer;
    } catch (error) {
      // The end of the load is no fault of an edge.
      if (!this.#until.aborted) this.#unanswered(edge, error);
      throw error;
    }
  };

  failed(reason: string): void {
    this.#errors++;
    addReason(this.#reasons, reason);
  }

  counts(): Omit<LoadCounts, "segments" | "stalls" | "idle" | "lateMs"> {
    return {
      requests: this.#requests,
      errors: this.#errors,
      reasons: this.#reasons,
      judged: this.#judged,
      hits: this.#hits,
      bytes: this.#bytes,
      firstByte: this.#firstByte.counts(),
    };
  }

  /** @param isHeld the server waits before it answers, as it was asked to. */
  #answered(
    edge: string,
    { status, header, body, firstByteMs }: HttpAnswer,
    isHeld: boolean,
  ): void {
    this.#requests++;
    this.#bytes += body.byteLength;
    if (status !== OK) return this.failed(`${edge}: status ${status}`);
    const hit = isHit(header("cache-status"));
    if (hit !== undefined) this.#judged++;
    if (hit) this.#hits++;
    if (!isHeld) this.#firstByte.add(firstByteMs);
  }

  #unanswered(edge: string, error: unknown): void {
    this.#requests++;
    const code = error instanceof Error ? systemCodeOf(error.cause) : undefined;
    this.failed(`${edge}: no answer${code === undefined ? "" : ` (${code})`}`);
  }
}
