/**
 * A client that behaves like a player: reloads the playlist as the standard says, fetches segments in order, keeps a buffer
 * that plays in real time, follows content steering, and leaves a pathway that fails. Where the server can, it asks for the
 * playlist that has the next segment or part instead of polling (section 6.2.5.2). It plays the first variant, or those that fit what its
 * connection carries, and decodes nothing.
 * Source: https://datatracker.ietf.org/doc/html/draft-pantos-hls-rfc8216bis sections 6.3 and 7.
 */
import { BandwidthEstimate } from "./bandwidth.ts";
import type { ByteRange } from "./byte-range.ts";
import { rangeField } from "./byte-range.ts";
import type { HttpAnswer, HttpGet } from "./fetch.ts";
import { readSteering } from "./pathways.ts";
import type { Piece, Position } from "./pieces.ts";
import { firstPosition, piecesFrom } from "./pieces.ts";
import { PlaybackBuffer } from "./playback-buffer.ts";
import type { MediaPlaylist, Playlist } from "./playlist.ts";
import { parsePlaylist } from "./playlist.ts";
import { reloadUrl } from "./reload.ts";
import type { Chosen } from "./variant-choice.ts";
import { VariantChoice } from "./variant-choice.ts";
import { variantsOf } from "./variants.ts";

export interface PlayerClock {
  monotonicMs(): number;
  nowMs(): number;
  sleep(lengthMs: number, signal?: AbortSignal): Promise<void>;
}

export interface PlayerOptions {
  /** Multivariant or media playlists, tried in order: the same channel on several servers. */
  urls: readonly string[];
  get: HttpGet;
  clock: PlayerClock;
  /** Told to the server with each request (CTA-5004, CMCD), so that it can count viewers. */
  sessionId: string;
  /** A request that takes longer has failed. */
  timeoutMs?: number;
  /** Goes to the variant that fits what segments came with; false: stays on the first one. */
  isAdaptive?: boolean;
  /** Fetches parts where a playlist has them, and begins closer to the end; false: whole segments only. */
  hasParts?: boolean;
  /** So much is fetched ahead of what is shown, at most; of what is live there is never as much. */
  bufferMaxMs?: number;
  /** Which variants of a multivariant playlist are there for this player. */
  mayPlay?: (url: string) => boolean;
}

export interface PlayerReport extends Chosen {
  playlists: number;
  segments: number;
  /** Of segments that were not whole yet. */
  parts: number;
  bytes: number;
  /** By what went wrong: "status 502", "no answer", "sequence went back", ... */
  errors: Record<string, number>;
  /** Segments that left the playlist before they were fetched. */
  skipped: number;
  stalls: number;
  stalledMs: number;
  /** Time to first byte of each segment and part, milliseconds. */
  firstByteMs: number[];
  /** How far the picture is behind the glass: now - program time of the frame that is shown. */
  latencyMs: number | undefined;
}

const TIMEOUT_MS = 4_000;
const RETRY_MS = 250;

export class Player {
  readonly #options: Required<PlayerOptions>;
  readonly #buffer: PlaybackBuffer;
  readonly #estimate = new BandwidthEstimate();
  readonly #choice: VariantChoice;
  #steeringUrl: string | undefined;
  #position: Position | undefined;
  /** Path, and range, of the initialisation that was fetched last; it is the same on all pathways. */
  #map: string | undefined;
  readonly report: PlayerReport = {
    playlists: 0,
    segments: 0,
    parts: 0,
    bytes: 0,
    errors: {},
    skipped: 0,
    stalls: 0,
    stalledMs: 0,
    pathway: "",
    pathwayChanges: 0,
    levelChanges: 0,
    firstByteMs: [],
    latencyMs: undefined,
  };

  constructor(options: PlayerOptions) {
    const byDefault = {
      timeoutMs: TIMEOUT_MS,
      isAdaptive: false,
      hasParts: false,
      bufferMaxMs: Number.POSITIVE_INFINITY,
      mayPlay: () => true,
    };
    this.#options = { ...byDefault, ...options };
    this.#buffer = new PlaybackBuffer(options.clock);
    this.#choice = new VariantChoice(options.clock, this.report);
  }

  /** Plays until the signal is aborted or the stream ends. Never rejects for what a server does: see the report. */
  async play(signal: AbortSignal): Promise<PlayerReport> {
    const { clock } = this.#options;
    while (!signal.aborted && !(await this.#begin(signal))) await pause(clock, RETRY_MS, signal);
    const stop = new AbortController();
    const steering = this.#followSteering(AbortSignal.any([signal, stop.signal]));
    await this.#follow(signal);
    stop.abort();
    await steering;
    return Object.assign(this.report, this.#buffer.totals());
  }

  /** Loads a multivariant playlist, or takes a media playlist as the only variant. */
  async #begin(signal: AbortSignal): Promise<boolean> {
    for (const url of this.#options.urls) {
      const playlist = await this.#playlist(url, signal);
      if (!playlist) continue;
      if (this.#takeVariants(url, playlist)) return true;
      this.#failed("no variant to play");
    }
    return false;
  }

  /** @returns false: there is none to play. */
  #takeVariants(url: string, playlist: Playlist): boolean {
    const { urls, mayPlay } = this.#options;
    const variants = variantsOf(playlist, url, urls).filter((variant) => mayPlay(variant.url));
    const steering = playlist.kind === "multivariant" ? playlist.steering : undefined;
    if (steering) this.#steeringUrl = new URL(steering.serverUri, url).href;
    return this.#choice.begin(variants, url, steering?.pathwayId);
  }

  /** Reloads the media playlist and fetches what is new (section 6.3.4). */
  async #follow(signal: AbortSignal): Promise<void> {
    const { clock, hasParts } = this.#options;
    let known: MediaPlaylist | undefined;
    while (!signal.aborted) {
      const startedMs = clock.monotonicMs();
      const { pathway, url } = this.#choice.variant;
      const asked = reloadUrl(url, known, hasParts);
      const playlist = await this.#playlist(asked, signal, known?.targetDurationMs);
      if (signal.aborted) return;
      if (playlist?.kind !== "media") {
        known = undefined;
        await this.#leave(pathway, signal);
        continue;
      }
      const fetched = await this.#fetchNew(playlist, url, signal);
      if (signal.aborted) return;
      // Some of it is still to be fetched: from the playlist of another pathway or variant, as that is now.
      known = fetched === undefined ? undefined : playlist;
      if (fetched === undefined) continue;
      if (playlist.ended) return;
      // The next answer comes when there is something new; one that came without is not asked for again at once.
      const hasWaited = asked !== url;
      if (playlist.serverControl?.canBlockReload && (fetched > 0 || !hasWaited)) continue;
      const { targetDurationMs, lowLatency } = playlist;
      const stepMs = hasParts && lowLatency ? lowLatency.partTargetMs : targetDurationMs;
      const waitMs = fetched > 0 ? stepMs : stepMs / 2;
      await pause(clock, Math.max(50, waitMs - (clock.monotonicMs() - startedMs)), signal);
    }
  }

  /** @returns how many; undefined: not all of them, because one failed or it goes on elsewhere. */
  async #fetchNew(
    playlist: MediaPlaylist,
    url: string,
    signal: AbortSignal,
  ): Promise<number | undefined> {
    let fetched = 0;
    for (const piece of this.#due(playlist)) {
      const pathway = this.report.pathway;
      await this.#waitForRoom(signal);
      const done =
        (await this.#initialise(piece, url, signal)) && (await this.#piece(piece, url, signal));
      if (signal.aborted) return fetched;
      if (!done) {
        await this.#leave(pathway, signal);
        return undefined;
      }
      fetched++;
      if (this.#options.isAdaptive) this.#choice.adapt(this.#estimate.bitsPerSecond());
      // Steered meanwhile, or gone to another variant.
      if (this.#choice.variant.url !== url) return undefined;
    }
    return fetched;
  }

  async #waitForRoom(signal: AbortSignal): Promise<void> {
    const { clock, bufferMaxMs } = this.#options;
    const tooMuchMs = this.#buffer.aheadMs() - bufferMaxMs;
    if (tooMuchMs > 0) await pause(clock, tooMuchMs, signal);
  }

  /** What to fetch now, in order. */
  #due(playlist: MediaPlaylist): readonly Piece[] {
    const [oldest, newest] = [playlist.segments[0], playlist.segments.at(-1)];
    if (!oldest || !newest) return [];
    const { hasParts } = this.#options;
    let position = (this.#position ??= firstPosition(playlist, hasParts)!);
    if (newest.sequence < position.sequence - 2) this.#failed("sequence went back");
    if (oldest.sequence > position.sequence) {
      this.report.skipped += oldest.sequence - position.sequence;
      position = this.#position = { sequence: oldest.sequence, part: 0 };
    }
    return piecesFrom(playlist, position, hasParts);
  }

  async #initialise(piece: Piece, url: string, signal: AbortSignal): Promise<boolean> {
    const { mapUri, mapByteRange } = piece;
    if (!mapUri) return true;
    const { href, pathname } = new URL(mapUri, url);
    const map = mapByteRange ? `${pathname} ${rangeField(mapByteRange)}` : pathname;
    if (map === this.#map) return true;
    const answer = await this.#get(href, signal, 0, mapByteRange);
    if (answer) this.#map = map;
    return answer !== undefined;
  }

  async #piece(piece: Piece, url: string, signal: AbortSignal): Promise<boolean> {
    const { clock } = this.#options;
    const startedMs = clock.monotonicMs();
    const answer = await this.#get(new URL(piece.uri, url).href, signal, 0, piece.byteRange);
    if (!answer) return false;
    this.#estimate.add(answer.body.byteLength, clock.monotonicMs() - startedMs);
    this.#position = piece.next;
    if (piece.isPart) this.report.parts++;
    else this.report.segments++;
    this.report.bytes += answer.body.byteLength;
    this.report.firstByteMs.push(answer.firstByteMs);
    this.#buffer.append(piece.durationMs);
    if (piece.programTimeMs !== undefined) {
      const endMs = piece.programTimeMs + piece.durationMs;
      this.report.latencyMs = clock.nowMs() - endMs + this.#buffer.aheadMs();
    }
    return true;
  }

  /** Goes to another pathway, or tries this one again after a pause. */
  async #leave(failed: string, signal: AbortSignal): Promise<void> {
    if (!this.#choice.leave(failed)) await pause(this.#options.clock, RETRY_MS, signal);
  }

  async #followSteering(signal: AbortSignal): Promise<void> {
    let ttlMs = 0;
    while (this.#steeringUrl && !signal.aborted) {
      await pause(this.#options.clock, ttlMs, signal);
      if (signal.aborted) return;
      const url = new URL(this.#steeringUrl);
      url.searchParams.set("_HLS_pathway", this.report.pathway);
      // A steering server that is away changes nothing (section 7.3).
      const answer = await this.#attempt(url.href, signal).catch(() => undefined);
      ttlMs = this.#steer(answer, url.href) ?? Math.max(ttlMs, 1_000);
    }
  }

  /** @returns after how long to ask again, or undefined when the answer is none. */
  #steer(answer: HttpAnswer | undefined, url: string): number | undefined {
    const manifest = answer?.status === 200 ? readSteering(answer.body) : undefined;
    if (!manifest) return undefined;
    if (manifest["RELOAD-URI"]) this.#steeringUrl = new URL(manifest["RELOAD-URI"], url).href;
    this.#choice.steer(manifest["PATHWAY-PRIORITY"]);
    return manifest.TTL * 1_000;
  }

  async #playlist(url: string, signal: AbortSignal, heldMs = 0) {
    const answer = await this.#get(url, signal, heldMs);
    if (!answer) return undefined;
    this.report.playlists++;
    try {
      return parsePlaylist(new TextDecoder().decode(answer.body));
    } catch {
      this.#failed("not a playlist");
      return undefined;
    }
  }

  /**
   * With one retry; undefined when it failed, and then it has been counted.
   * @param heldMs the server may wait so long before it answers.
   */
  async #get(
    url: string,
    signal: AbortSignal,
    heldMs = 0,
    byteRange?: ByteRange,
  ): Promise<HttpAnswer | undefined> {
    for (const isLast of [false, true]) {
      let reason: string;
      try {
        const answer = await this.#attempt(url, signal, heldMs, byteRange);
        if (answer.status === (byteRange ? 206 : 200)) return answer;
        reason = `status ${answer.status}`;
      } catch {
        reason = "no answer";
      }
      if (signal.aborted) return undefined;
      this.#failed(reason);
      if (!isLast) await pause(this.#options.clock, RETRY_MS, signal);
    }
    return undefined;
  }

  #attempt(
    url: string,
    signal: AbortSignal,
    heldMs = 0,
    byteRange?: ByteRange,
  ): Promise<HttpAnswer> {
    const { get, sessionId } = this.#options;
    const timeoutMs = this.#options.timeoutMs + heldMs;
    const address = new URL(url);
    address.searchParams.set("CMCD", `sid="${sessionId}"`);
    const until = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
    return get(address.href, until, byteRange);
  }

  #failed(reason: string): void {
    this.report.errors[reason] = (this.report.errors[reason] ?? 0) + 1;
  }
}

function pause(clock: PlayerClock, lengthMs: number, signal: AbortSignal): Promise<void> {
  return clock.sleep(lengthMs, signal).catch(() => {});
}
