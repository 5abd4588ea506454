/**
 * A client that behaves like a player: reloads the playlist as the standard says, fetches segments in order, keeps a buffer
 * that plays in real time, follows content steering, and leaves a pathway that fails. Where the server can, it asks for the
 * playlist that has the next segment instead of polling (section 6.2.5.2). It plays whole segments and decodes nothing.
 * Source: https://datatracker.ietf.org/doc/html/draft-pantos-hls-rfc8216bis sections 6.3 and 7.
 */
import type { HttpAnswer, HttpGet } from "./fetch.ts";
import type { SteeringManifest } from "./pathways.ts";
import { PlaybackBuffer } from "./playback-buffer.ts";
import type { MediaPlaylist, MultivariantPlaylist, Segment } from "./playlist.ts";
import { parsePlaylist } from "./playlist.ts";

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
}

export interface PlayerReport {
  playlists: number;
  segments: number;
  bytes: number;
  /** By what went wrong: "status 502", "no answer", "sequence went back", ... */
  errors: Record<string, number>;
  /** Segments that left the playlist before they were fetched. */
  skipped: number;
  stalls: number;
  stalledMs: number;
  pathway: string;
  pathwayChanges: number;
  /** Time to first byte of each segment, milliseconds. */
  firstByteMs: number[];
  /** How far the picture is behind the glass: now - program time of the frame that is shown. */
  latencyMs: number | undefined;
}

const TIMEOUT_MS = 4_000;
/** A live player begins so far behind the end (section 6.3.3). */
const HOLD_BACK_TARGET_DURATIONS = 3;
/** A pathway that failed is not used again for so long, unless no other is left. */
const PENALTY_MS = 30_000;
const RETRY_MS = 250;

export class Player {
  readonly #options: Required<PlayerOptions>;
  readonly #buffer: PlaybackBuffer;
  readonly #penalties = new Map<string, number>();
  #variants: { pathway: string; url: string }[] = [];
  #steeringUrl: string | undefined;
  #nextSequence: number | undefined;
  #maps = new Set<string>();
  readonly report: PlayerReport = {
    playlists: 0,
    segments: 0,
    bytes: 0,
    errors: {},
    skipped: 0,
    stalls: 0,
    stalledMs: 0,
    pathway: "",
    pathwayChanges: 0,
    firstByteMs: [],
    latencyMs: undefined,
  };

  constructor(options: PlayerOptions) {
    this.#options = { timeoutMs: TIMEOUT_MS, ...options };
    this.#buffer = new PlaybackBuffer(options.clock);
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
      this.#takeVariants(url, playlist);
      return true;
    }
    return false;
  }

  #takeVariants(url: string, playlist: MultivariantPlaylist | MediaPlaylist): void {
    if (playlist.kind === "media") {
      this.#variants = this.#options.urls.map((each) => ({
        pathway: new URL(each).host,
        url: each,
      }));
      this.report.pathway = new URL(url).host;
      return;
    }
    const seen = new Set<string>();
    for (const { pathwayId, uri } of playlist.variants) {
      // One variant a pathway: the first, as a player without a bandwidth estimate takes it.
      if (seen.has(pathwayId)) continue;
      seen.add(pathwayId);
      this.#variants.push({ pathway: pathwayId, url: new URL(uri, url).href });
    }
    const { steering } = playlist;
    this.report.pathway = steering?.pathwayId ?? this.#variants[0]!.pathway;
    if (steering) this.#steeringUrl = new URL(steering.serverUri, url).href;
  }

  /** Reloads the media playlist and fetches what is new (section 6.3.4). */
  async #follow(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    let known: MediaPlaylist | undefined;
    while (!signal.aborted) {
      const startedMs = clock.monotonicMs();
      const { pathway, url } = this.#variant();
      const asked = reloadUrl(url, known);
      const playlist = await this.#playlist(asked, signal, known?.targetDurationMs);
      if (signal.aborted) return;
      if (playlist?.kind !== "media") {
        known = undefined;
        await this.#leave(pathway, signal);
        continue;
      }
      const fetched = await this.#fetchNew(playlist, url, signal);
      if (signal.aborted) return;
      // Some of its segments are still to be fetched: from another pathway's playlist, as that is now.
      known = fetched === undefined ? undefined : playlist;
      if (fetched === undefined) continue;
      if (playlist.ended) return;
      // The next answer comes when there is something new; one that came without is not asked for again at once.
      const hasWaited = asked !== url;
      if (playlist.serverControl?.canBlockReload && (fetched > 0 || !hasWaited)) continue;
      const waitMs = fetched > 0 ? playlist.targetDurationMs : playlist.targetDurationMs / 2;
      await pause(clock, Math.max(50, waitMs - (clock.monotonicMs() - startedMs)), signal);
    }
  }

  #variant(): { pathway: string; url: string } {
    return (
      this.#variants.find(({ pathway }) => pathway === this.report.pathway) ?? this.#variants[0]!
    );
  }

  /** @returns how many; undefined: not all of them, because one failed or the pathway is another one now. */
  async #fetchNew(
    playlist: MediaPlaylist,
    url: string,
    signal: AbortSignal,
  ): Promise<number | undefined> {
    let fetched = 0;
    for (const segment of this.#due(playlist)) {
      const pathway = this.report.pathway;
      const done =
        (await this.#initialise(segment, url, signal)) &&
        (await this.#segment(segment, url, signal));
      if (signal.aborted) return fetched;
      if (!done) {
        await this.#leave(pathway, signal);
        return undefined;
      }
      fetched++;
      if (pathway !== this.report.pathway) return undefined;
    }
    return fetched;
  }

  /** The segments to fetch now, in order. */
  #due({ segments, targetDurationMs }: MediaPlaylist): readonly Segment[] {
    const [oldest, newest] = [segments[0], segments.at(-1)];
    if (!oldest || !newest) return [];
    if (this.#nextSequence === undefined) {
      let behindMs = 0;
      const from = segments.findLast(
        ({ durationMs }) =>
          (behindMs += durationMs) >= HOLD_BACK_TARGET_DURATIONS * targetDurationMs,
      );
      this.#nextSequence = (from ?? oldest).sequence;
    }
    if (newest.sequence < this.#nextSequence - 2) this.#failed("sequence went back");
    if (oldest.sequence > this.#nextSequence) {
      this.report.skipped += oldest.sequence - this.#nextSequence;
      this.#nextSequence = oldest.sequence;
    }
    const from = this.#nextSequence;
    return segments.filter(({ sequence }) => sequence >= from);
  }

  async #initialise({ mapUri }: Segment, url: string, signal: AbortSignal): Promise<boolean> {
    if (!mapUri || this.#maps.has(mapUri)) return true;
    const answer = await this.#get(new URL(mapUri, url).href, signal);
    if (answer) this.#maps = new Set([mapUri]);
    return answer !== undefined;
  }

  async #segment(segment: Segment, url: string, signal: AbortSignal): Promise<boolean> {
    const answer = await this.#get(new URL(segment.uri, url).href, signal);
    if (!answer) return false;
    this.#nextSequence = segment.sequence + 1;
    this.report.segments++;
    this.report.bytes += answer.body.byteLength;
    this.report.firstByteMs.push(answer.firstByteMs);
    this.#buffer.append(segment.durationMs);
    if (segment.programTimeMs !== undefined) {
      const endMs = segment.programTimeMs + segment.durationMs;
      this.report.latencyMs = this.#options.clock.nowMs() - endMs + this.#buffer.aheadMs();
    }
    return true;
  }

  /** A pathway has failed: take the best other one, unless steering did already, or this one again after a pause. */
  async #leave(failed: string, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    this.#penalties.set(failed, clock.monotonicMs() + PENALTY_MS);
    if (failed !== this.report.pathway) return;
    const other = this.#variants.find(({ pathway }) => this.#isUsable(pathway));
    if (other) this.#take(other.pathway);
    else await pause(clock, RETRY_MS, signal);
  }

  #isUsable(pathway: string): boolean {
    return (this.#penalties.get(pathway) ?? 0) <= this.#options.clock.monotonicMs();
  }

  #take(pathway: string): void {
    if (pathway === this.report.pathway) return;
    this.report.pathway = pathway;
    this.report.pathwayChanges++;
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
    const known = new Set(this.#variants.map(({ pathway }) => pathway));
    const best = manifest["PATHWAY-PRIORITY"].find((id) => known.has(id) && this.#isUsable(id));
    if (best) this.#take(best);
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
  async #get(url: string, signal: AbortSignal, heldMs = 0): Promise<HttpAnswer | undefined> {
    for (const isLast of [false, true]) {
      let reason: string;
      try {
        const answer = await this.#attempt(url, signal, heldMs);
        if (answer.status === 200) return answer;
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

  #attempt(url: string, signal: AbortSignal, heldMs = 0): Promise<HttpAnswer> {
    const { get, sessionId } = this.#options;
    const timeoutMs = this.#options.timeoutMs + heldMs;
    const address = new URL(url);
    address.searchParams.set("CMCD", `sid="${sessionId}"`);
    return get(address.href, AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]));
  }

  #failed(reason: string): void {
    this.report.errors[reason] = (this.report.errors[reason] ?? 0) + 1;
  }
}

/** The playlist that has the segment behind the last known one, where the server can wait for it. */
function reloadUrl(url: string, known: MediaPlaylist | undefined): string {
  const last = known?.segments.at(-1);
  if (!last || !known?.serverControl?.canBlockReload) return url;
  const reload = new URL(url);
  reload.searchParams.set("_HLS_msn", `${last.sequence + 1}`);
  return reload.href;
}

function readSteering(body: Uint8Array): SteeringManifest | undefined {
  try {
    const manifest = JSON.parse(new TextDecoder().decode(body)) as SteeringManifest;
    return manifest.VERSION === 1 && Array.isArray(manifest["PATHWAY-PRIORITY"])
      ? manifest
      : undefined;
  } catch {
    return undefined;
  }
}

function pause(clock: PlayerClock, lengthMs: number, signal: AbortSignal): Promise<void> {
  return clock.sleep(lengthMs, signal).catch(() => {});
}
