/** What an answer of the origin is worth: to this client, to others who wait, and to the store. */
import { setImmediate as turn } from "node:timers/promises";

import { messageOf } from "@glassline/service/errors";

import { covers } from "./answer.ts";
import { hlsPolicy, rulesOf } from "./core/hls-rules.ts";
import { headSays, isAbout, validators } from "./core/http/conditional.ts";
import { LARGE_BYTES } from "./core/in-flight.ts";
import type { ResponseDirectives } from "./core/http/directives.ts";
import { responseDirectives } from "./core/http/directives.ts";
import type { Fields } from "./core/http/fields.ts";
import { AGE } from "./core/http/fields.ts";
import type { Policy, Received } from "./core/http/freshness.ts";
import { explicitLifetimeMs, initialAgeMs, policyOf } from "./core/http/freshness.ts";
import type { Moments } from "./core/http/newer.ts";
import { contentRange } from "./core/http/ranges.ts";
import { mayUseOnError } from "./core/http/reuse.ts";
import type { Asked as Asking } from "./core/http/storing.ts";
import { mayStore, storedFields, updatedFields } from "./core/http/storing.ts";
import type { Selecting } from "./core/http/vary.ts";
import { selectingOf, selects } from "./core/http/vary.ts";
import type { Asked, ExchangeDeps, Exchanged, FromOrigin, FromStore } from "./exchanged.ts";
import { isOutdated, keep } from "./keeping.ts";
import { SharedBody } from "./shared-body.ts";
import type { StoredResponse } from "./stores/store.ts";
import type { UpstreamResponse } from "./upstream/upstream.ts";
import { UpstreamError } from "./upstream/upstream.ts";

/** RFC 5861 section 4. */
const ERRORS: ReadonlySet<number> = new Set([500, 502, 503, 504]);
const ONE_PIECE_MAX_BYTES = 262_144;

/** The stored answer, if it may stand in for one that the origin does not give. */
export function staleOf(
  { request, stored }: Asked,
  nowMs: number,
  defaultMs: number,
): FromStore | undefined {
  if (!stored || request.method !== "GET" || !covers(stored, request)) return undefined;
  const { policy, bornMs } = stored;
  if (!mayUseOnError(policy, nowMs - bornMs, request.directives, defaultMs)) return undefined;
  return { kind: "stored", response: stored, status: undefined, isStale: true, isShared: true };
}

/** An answer of the origin whose head has come. */
export class Answered {
  readonly #asked: Asked;
  readonly #deps: ExchangeDeps;
  readonly #response: UpstreamResponse;
  readonly #received: Received;
  readonly #moments: Moments;
  readonly #told: ResponseDirectives;

  constructor(
    asked: Asked,
    deps: ExchangeDeps,
    response: UpstreamResponse,
    received: Received,
    moments: Moments,
  ) {
    this.#asked = asked;
    this.#deps = deps;
    this.#response = response;
    this.#received = received;
    this.#moments = moments;
    this.#told = responseDirectives(received.fields);
  }

  async worth(): Promise<Exchanged> {
    const { request, stored } = this.#asked;
    const { status, fields } = this.#received;
    if (stored && status === 304 && isAbout(fields, stored.fields)) {
      await this.#drop();
      return { kind: "stored", status, isStale: false, ...this.#renewed(stored) };
    }
    if (stored && ERRORS.has(status)) {
      const { staleOnErrorMs } = rulesOf(request.address.kind);
      const stale = staleOf(this.#asked, this.#moments.cameMs, staleOnErrorMs);
      if (stale) {
        this.#asked.abort.abort();
        return { ...stale, status };
      }
    }
    if (request.method === "HEAD" && status === 200) this.#learnFromHead();
    return this.#streamed();
  }

  /** Nobody reads the body. */
  async #drop(): Promise<void> {
    try {
      for await (const chunk of this.#response.body) void chunk;
    } catch {
      // It has said what it had to say.
    }
    if (!this.#response.isFromMember) this.#deps.fetched(0);
  }

  /** The stored response with the news of a 304, as far as it may be stored now. */
  #renewed(stored: StoredResponse): { response: StoredResponse; isShared: boolean } {
    const { request, mayKeep } = this.#asked;
    const { store } = this.#deps;
    const { key } = request.address;
    const { response, kept, isShared } = this.#withNews(stored);
    // Another answer may have taken its place since.
    if (store.get(key).includes(stored) && mayKeep(stored.tags)) {
      if (isShared) store.set(key, kept);
      else store.remove(key);
    }
    return { response: isShared ? kept : response, isShared };
  }

  /** What is stored, as an answer about the same content has it now. */
  #withNews(stored: StoredResponse) {
    const fields = updatedFields(stored.fields, this.#received.fields).without(AGE);
    const received = { ...this.#received, status: stored.status, fields };
    const told = responseDirectives(fields);
    const policy = this.#policy(received, told, stored.body);
    const { since } = this.#asked;
    const moments = this.#moments;
    const response = { ...stored, fields, policy, since, moments, bornMs: this.#bornMs() };
    return {
      response,
      kept: { ...response, fields: storedFields(fields, told) },
      isShared: mayStore({ ...this.#askedFor(), method: "GET" }, received, told),
    };
  }

  /** A HEAD renews what is stored, or says that it has to be asked about before it is used again (RFC 9111 section 4.3.5). */
  #learnFromHead(): void {
    const { request, mayKeep } = this.#asked;
    const { store } = this.#deps;
    const { key } = request.address;
    for (const stored of store.get(key)) {
      const isMeant = stored.status === 200 && !stored.part;
      if (!isMeant || !selects(stored.selecting, request.fields, stored.fields)) continue;
      const said = headSays(this.#received.fields, stored.fields, stored.body.length);
      if (said === "nothing" || isOutdated({ moments: this.#moments }, stored)) continue;
      if (said === "other") {
        store.set(key, { ...stored, policy: { ...stored.policy, noCache: true } });
        continue;
      }
      const { kept, isShared } = this.#withNews(stored);
      if (isShared && mayKeep(stored.tags)) store.set(key, kept);
    }
  }

  async #streamed(): Promise<FromOrigin> {
    const { request } = this.#asked;
    const { status, fields } = this.#received;
    const isStorable = this.#isStorable();
    const isFailure = this.#isSharedFailure();
    const isRead =
      request.address.kind === "playlist" && request.method === "GET" && status === 200;
    const body = await this.#bodyFor(isStorable || isRead || isFailure);
    let isStored = isStorable && body.isKept;
    body.onUnread(() => {
      if (body.isOpen && !(isStored && body.isKept)) this.#asked.abort.abort();
    });
    const pumped = this.#pump(body);
    // What came in one piece with its head is given on in one piece.
    if (this.#lengthBytes() <= ONE_PIECE_MAX_BYTES) await turn();
    // How long a playlist is fresh stands in it.
    const text = isRead ? await wholeOf(body) : undefined;
    const policy = this.#policy(this.#received, this.#told, text);
    isStored &&= isUseful(policy, fields) && this.#asked.mayKeep(this.#tags());
    const selecting = selectingOf(fields, request.fields);
    if (isStored) void pumped.then((isWhole) => isWhole && this.#keep(body, policy, selecting));
    const isFresh = isStored && !policy.noCache && policy.lifetimeMs > 0;
    // Who shares a question asks for the same range, or for none.
    const isAsked = status !== 206 || request.fields.has("range");
    const isShared = (isFresh && isAsked) || isFailure;
    const sharedFields = storedFields(fields, this.#told);
    const { trailers } = this.#response;
    const atMs = this.#moments.cameMs;
    const bornMs = this.#bornMs();
    const about = { status, fields, sharedFields, body, trailers, selecting, policy, bornMs, atMs };
    return { kind: "streamed", ...about, isStored, isShared };
  }

  /** A failing origin is asked once by all viewers who wait. */
  #isSharedFailure(): boolean {
    const { directives } = this.#told;
    const isOpen = !directives.has("private") && !directives.has("no-store");
    return this.#received.status >= 500 && this.#asked.request.address.kind !== "other" && isOpen;
  }

  /** What nobody else will read is not kept: it goes at the pace of its client. Throws UpstreamError when there is no room for even that. */
  async #bodyFor(isKept: boolean): Promise<SharedBody> {
    const { inFlight } = this.#deps;
    const keptMaxBytes = isKept ? this.#storedMaxBytes() : 0;
    const lengthBytes = this.#lengthBytes();
    const body = new SharedBody({ inFlight, keptMaxBytes });
    await body.announce(lengthBytes);
    if (body.isKept || lengthBytes < LARGE_BYTES || !inFlight.isExhausted) return body;
    inFlight.count("refused");
    this.#asked.abort.abort();
    throw new UpstreamError("busy", "too much is on its way from the origin");
  }

  #storedMaxBytes(): number {
    const { objectMaxBytes, store } = this.#deps;
    return Math.min(objectMaxBytes, store.maxBytes);
  }

  #askedFor(): Asking {
    const { method, fields, directives } = this.#asked.request;
    return { method, fields, noStore: directives.has("no-store") };
  }

  #isStorable(): boolean {
    // Of a body that only the end of its connection ends, nobody knows whether it was whole.
    const { fields } = this.#response;
    const hasEnd = fields.has("content-length") || fields.has("transfer-encoding");
    const isSmall = this.#lengthBytes() <= this.#storedMaxBytes();
    const mayHaveEnd = hasEnd || this.#received.status === 204;
    return isSmall && mayHaveEnd && mayStore(this.#askedFor(), this.#received, this.#told);
  }

  /** Of the body that comes, as announced; 0 when it is not. */
  #lengthBytes(): number {
    if (this.#asked.request.method === "HEAD") return 0;
    return Number(this.#received.fields.first("content-length") ?? 0);
  }

  /** @returns whether all of it came. */
  async #pump(body: SharedBody): Promise<boolean> {
    let bytes = 0;
    try {
      for await (const chunk of this.#response.body) {
        bytes += chunk.length;
        await body.write(chunk);
      }
      body.end();
      if (!this.#response.isFromMember) this.#deps.fetched(bytes);
      return true;
    } catch (error) {
      body.fail(error);
      return false;
    }
  }

  #keep(body: SharedBody, policy: Policy, selecting: Selecting): void {
    const tags = this.#tags();
    if (!body.isKept || !this.#asked.mayKeep(tags)) return;
    const { since } = this.#asked;
    const { address } = this.#asked.request;
    const { status, fields } = this.#received;
    const bytes = body.whole();
    const range = status === 206 ? contentRange(fields.first("content-range")) : undefined;
    // A part that does not say which it is, or says it wrongly, is nobody's.
    if (status === 206 && range?.last !== (range?.first ?? 0) + bytes.length - 1) return;
    const response: StoredResponse = {
      status,
      fields: storedFields(fields, this.#told).without(AGE),
      selecting,
      policy,
      bornMs: this.#bornMs(),
      body: bytes,
      part: range,
      tags,
      since,
      moments: this.#moments,
    };
    keep(this.#deps.store, address.key, this.#asked.request.fields, response);
  }

  /** What it is purged together with. */
  #tags(): string[] {
    const { fields } = this.#received;
    const surrogateKeys = (fields.combined("surrogate-key") ?? "").split(/[\s,]+/);
    return [...fields.tokens("cache-tag"), ...surrogateKeys].filter((tag) => tag !== "");
  }

  #policy(received: Received, told: ResponseDirectives, body: Buffer | undefined): Policy {
    const { address } = this.#asked.request;
    const about = {
      kind: address.kind,
      isBlocking: address.isBlocking,
      blockingMs: this.#deps.blockingMs(address.path),
      status: received.status,
      body,
    };
    return hlsPolicy(about, explicitLifetimeMs(received, told), policyOf(received, told));
  }

  #bornMs(): number {
    return this.#moments.cameMs - initialAgeMs(this.#received);
  }
}

/** It may be used as it is, or stale, or be asked about. */
function isUseful(policy: Policy, fields: Fields): boolean {
  const { lifetimeMs, staleWhileRevalidateMs, staleIfErrorMs = 0 } = policy;
  return lifetimeMs + staleWhileRevalidateMs + staleIfErrorMs > 0 || validators(fields).length > 0;
}

/** Rejects with UpstreamError when it does not come to its end, and gives undefined for one that is too large to be read. */
async function wholeOf(body: SharedBody): Promise<Buffer | undefined> {
  try {
    return await body.kept();
  } catch (error) {
    if (error instanceof UpstreamError) throw error;
    throw new UpstreamError("broken", `playlist: ${messageOf(error)}`, { cause: error });
  }
}
