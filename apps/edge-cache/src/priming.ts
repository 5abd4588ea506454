/** Fetches what viewers would ask for next, so that it is in the cache, and asks for it again to see that it is. */
import { setImmediate as turn } from "node:timers/promises";

import { PlaylistError, parsePlaylist } from "@glassline/hls/playlist";
import { urisIn } from "@glassline/hls/uris";
import { RpcError } from "@glassline/proto/errors";
import type { Clock } from "@glassline/service/clock";
import { messageOf } from "@glassline/service/errors";

import type { Answer } from "./answer.ts";
import type { Cache } from "./cache.ts";
import type { Address } from "./core/address.ts";
import type { Addresses } from "./core/addresses.ts";
import { addressBelow } from "./core/rendition.ts";
import { Fields } from "./core/http/fields.ts";
import { requestDirectives } from "./core/http/reuse.ts";
import type { Progress } from "./core/priming.ts";
import { Pace, addFailure } from "./core/priming.ts";
import { cacheRequest, clientOf } from "./request.ts";
import { SharedBody } from "./shared-body.ts";
import { UpstreamError } from "./upstream/upstream.ts";

/** A live player begins three segments from the end (RFC 8216bis section 6.3.3). */
const NEWEST_SEGMENTS = 3;
const VARIANTS_MAX = 16;
/** A multivariant playlist names media playlists, and those name segments. */
const DEPTH_MAX = 2;
const AT_A_TIME = 4;
const OBJECTS_MAX = 10_000;
const PLAYLIST_MAX_BYTES = 4_194_304;
/** So many are validated before others have their turn. */
const VALIDATED_AT_ONCE = 100;

export interface PrimeDeps {
  cache: Cache;
  addresses: Addresses;
  clock: Clock;
  /** Objects a second, at most. */
  perSecond: number;
}

export interface Wanted {
  /** Of a playlist; without it the priming fails. */
  path: string;
  /** Of playlists and other objects. */
  paths: readonly string[];
  /** Objects a second, at most; 0: as many as this edge allows. */
  perSecond: number;
}

interface Job {
  address: Address;
  /** How many playlists led to it. */
  depth: number;
  isRequired: boolean;
}

export class Priming {
  readonly #deps: PrimeDeps;
  readonly #progress: Progress;
  readonly #pace: Pace;
  readonly #jobs: Job[] = [];
  readonly #known = new Set<string>();
  readonly #fetched: Address[] = [];
  readonly #fetching = new Set<AbortController>();

  /** Throws RpcError "invalid_argument". */
  constructor(deps: PrimeDeps, { path, paths, perSecond }: Wanted, progress: Progress) {
    this.#deps = deps;
    this.#progress = progress;
    this.#pace = new Pace(rateOf(perSecond, deps.perSecond));
    const { addresses } = deps;
    if (path !== "" || paths.length === 0) this.#find(playlistAt(path, addresses), 0, true);
    for (const each of paths) this.#find(objectAt(each, addresses), 0, false);
  }

  /** @param signal of the caller. Rejects with RpcError. */
  async run(signal: AbortSignal): Promise<void> {
    const stop = () => this.#fetching.forEach((abort) => abort.abort());
    signal.addEventListener("abort", stop, { once: true });
    try {
      this.#progress.phase = "fetching";
      await this.#fetchAll(signal);
      this.#progress.phase = "validating";
      await this.#validate(signal);
      this.#progress.phase = "done";
    } catch (error) {
      this.#progress.phase = "failed";
      this.#progress.failure = messageOf(error);
      throw error;
    } finally {
      stop();
      signal.removeEventListener("abort", stop);
    }
  }

  async #fetchAll(signal: AbortSignal): Promise<void> {
    const { clock } = this.#deps;
    const active = new Set<Promise<void>>();
    const broken: unknown[] = [];
    for (let next = 0; next < this.#jobs.length || active.size > 0;) {
      checkPresence(signal);
      if (broken.length > 0) throw broken[0];
      const job = active.size < AT_A_TIME ? this.#jobs[next] : undefined;
      if (!job) {
        await Promise.race(active);
        continue;
      }
      next++;
      const waitMs = this.#pace.take(clock.monotonicMs());
      if (waitMs > 0) await clock.sleep(waitMs, signal).catch(() => {});
      checkPresence(signal);
      const taken = this.#take(job)
        .catch((error: unknown) => void broken.push(error))
        .finally(() => active.delete(taken));
      active.add(taken);
    }
    // What the caller broke off is no failure of the origin.
    checkPresence(signal);
    if (broken.length > 0) throw broken[0];
  }

  async #take({ address, depth, isRequired }: Job): Promise<void> {
    const progress = this.#progress;
    try {
      const { bytes, text } = await this.#fetch(address);
      progress.fetched++;
      progress.bytes += bytes;
      this.#fetched.push(address);
      if (text !== undefined && depth < DEPTH_MAX)
        for (const found of namedIn(text, address.resource, this.#deps.addresses))
          this.#find(found, depth + 1, false);
    } catch (error) {
      if (isRequired) throw rpcErrorOf(error, address);
      addFailure(progress, address.key, messageOf(error));
    }
  }

  #find(address: Address, depth: number, isRequired: boolean): void {
    const { key } = address;
    if (this.#known.has(key)) return;
    if (this.#known.size >= OBJECTS_MAX)
      return addFailure(this.#progress, key, `more than ${OBJECTS_MAX} objects`);
    this.#known.add(key);
    this.#progress.found++;
    this.#jobs.push({ address, depth, isRequired });
  }

  /** Also the text, of a playlist. */
  async #fetch(address: Address): Promise<{ bytes: number; text: string | undefined }> {
    const abort = new AbortController();
    this.#fetching.add(abort);
    try {
      const request = {
        ...cacheRequest("GET", address, NO_FIELDS),
        client: clientOf(abort.signal),
      };
      const answer = await this.#deps.cache.get(request);
      const isPlaylist = address.kind === "playlist";
      const { bytes, chunks } = await bodyOf(answer, isPlaylist);
      if (answer.status !== 200)
        throw new RpcError("not_found", `the origin answers with status ${answer.status}`);
      return { bytes, text: isPlaylist ? Buffer.concat(chunks).toString("utf8") : undefined };
    } finally {
      this.#fetching.delete(abort);
    }
  }

  /** As a viewer would, but the origin is not asked: what the store cannot answer is no hit. */
  async #validate(signal: AbortSignal): Promise<void> {
    for (const [at, address] of this.#fetched.entries()) {
      // What came last is in the store when others have had their turn.
      if (at % VALIDATED_AT_ONCE === 0) await turn();
      checkPresence(signal);
      const request = { ...cacheRequest("GET", address, NO_FIELDS), directives: ONLY_IF_CACHED };
      const { status, outcome } = await this.#deps.cache.get(request);
      this.#progress.validated++;
      if (status === 200 && outcome.kind === "hit") this.#progress.hits++;
    }
  }
}

const NO_FIELDS = new Fields([]);
const ONLY_IF_CACHED = requestDirectives(new Fields([["cache-control", "only-if-cached"]]));

function checkPresence({ aborted }: AbortSignal): void {
  if (aborted) throw new RpcError("canceled", "the caller has gone, or the edge stops");
}

/** Throws RpcError "invalid_argument". */
function rateOf(perSecond: number, allowed: number): number {
  if (perSecond === 0) return allowed;
  if (perSecond > 0) return Math.min(perSecond, allowed);
  const got = `per_second: got ${perSecond}`;
  throw new RpcError("invalid_argument", `${got}, expected a number above 0, or 0 for the edge's`);
}

function playlistAt(path: string, addresses: Addresses): Address {
  const address = addresses.read(path);
  if (address?.kind === "playlist") return address;
  const expected = "expected that of a playlist";
  throw new RpcError("invalid_argument", `path: got ${JSON.stringify(path)}, ${expected}`);
}

function objectAt(path: string, addresses: Addresses): Address {
  const address = addresses.read(path);
  if (address) return address;
  const expected = "expected paths of this edge's origin, such as /live/cam-0001/index.m3u8";
  throw new RpcError("invalid_argument", `paths: got ${JSON.stringify(path)}, ${expected}`);
}

/** Read to its end: what nobody reads does not come. @param isKept also its chunks. */
async function bodyOf(
  { body }: Answer,
  isKept: boolean,
): Promise<{ bytes: number; chunks: Buffer[] }> {
  if (!(body instanceof SharedBody)) return { bytes: body.length, chunks: [body] };
  let bytes = 0;
  const chunks: Buffer[] = [];
  for await (const chunk of body.read()) {
    bytes += chunk.length;
    if (isKept) chunks.push(chunk);
    if (isKept && bytes > PLAYLIST_MAX_BYTES)
      throw new PlaylistError(`got more than ${PLAYLIST_MAX_BYTES} bytes, expected a playlist`);
  }
  return { bytes, chunks };
}

/** What a player would ask for next; addresses of other servers are left out. Throws PlaylistError. */
function namedIn(text: string, resource: string, addresses: Addresses): Address[] {
  const playlist = parsePlaylist(text);
  const found = (uris: readonly string[]) =>
    uris.flatMap((uri) => addressBelow(uri, resource, addresses) ?? []);
  if (playlist.kind === "multivariant") {
    const renditions = urisIn(text.match(/^#EXT-X-MEDIA:.*$/gm)?.join("\n") ?? "");
    const variants = playlist.variants.map(({ uri }) => uri);
    const all = [...new Set([...variants, ...renditions])].slice(0, VARIANTS_MAX);
    return found(all).filter(({ kind }) => kind === "playlist");
  }
  // What has ended is played from its beginning.
  const segments = playlist.ended ? playlist.segments : playlist.segments.slice(-NEWEST_SEGMENTS);
  const uris = segments.flatMap(({ uri, mapUri }) => (mapUri ? [mapUri, uri] : [uri]));
  return found(uris).filter(({ kind }) => kind !== "playlist");
}

function rpcErrorOf(error: unknown, { path }: Address): unknown {
  const message = `${path}: ${messageOf(error)}`;
  if (error instanceof PlaylistError)
    return new RpcError("failed_precondition", message, { cause: error });
  if (error instanceof RpcError) return new RpcError(error.code, message, { cause: error });
  if (error instanceof UpstreamError)
    return new RpcError("unavailable", error.message, { cause: error });
  return error;
}
