/** The way of a request: store, else a question to the origin that all who want the same object share. */
import type { Answer } from "./answer.ts";
import { answerFrom, askedRange, covers, isOutgrown, ownAnswer } from "./answer.ts";
import type { ForwardReason } from "./core/cache-status.ts";
import { ForAWhile } from "./core/for-a-while.ts";
import type { Fields } from "./core/http/fields.ts";
import { AGE } from "./core/http/fields.ts";
import { useOf } from "./core/http/reuse.ts";
import { selectingOf, selects } from "./core/http/vary.ts";
import { rangeOfWhole } from "./range-of-whole.ts";
import { exchange } from "./exchange.ts";
import type { Exchanged, ExchangeDeps } from "./exchanged.ts";
import type { CacheRequest } from "./request.ts";
import { cacheRequest } from "./request.ts";
import type { Purge, WidePurge } from "./core/purges.ts";
import type { Purged, StoredResponse } from "./stores/store.ts";
import type { InFlight, UnderWay } from "./under-way.ts";
import { AllUnderWay, release, want } from "./under-way.ts";
import { addressesOf, isUnsafe } from "./unsafe.ts";

/** Whose answers could not be shared: those who ask soon again do not wait for one another. */
const ALONE_MS = 5_000;
const ALONE_MAX = 10_000;
/** The second time, it is known what an answer depends on; what answers say of that may differ. */
const LOOKS_MAX = 3;
const OF_RANGE = ["range", "if-range"] as const;
const RANGES: ReadonlySet<string> = new Set(OF_RANGE);

export class Cache {
  readonly #deps: ExchangeDeps;
  readonly #inFlight = new Map<string, InFlight>();
  readonly #alone = new ForAWhile(ALONE_MAX, ALONE_MS);
  readonly #underWay = new AllUnderWay();

  constructor(deps: ExchangeDeps) {
    this.#deps = deps;
  }

  /** Rejects with UpstreamError when the origin gives no answer. */
  async get(request: CacheRequest): Promise<Answer> {
    const hit = this.find(request);
    if (hit) return hit;
    if (request.method !== "GET" && request.method !== "HEAD") return this.#pass(request);
    const loading = this.#deps.store.load?.(request.address.key);
    if (loading) {
      await loading;
      const loaded = this.find(request);
      if (loaded) return loaded;
    }
    const nowMs = this.#deps.clock.monotonicMs();
    const variants = this.#deps.store.get(request.address.key);
    const selected = variants.filter((one) => selects(one.selecting, request.fields, one.fields));
    const usable = selected.filter((variant) => !this.#isOutgrown(variant, request));
    const stored = usable.find((variant) => covers(variant, request)) ?? usable[0];
    const isCovered = stored !== undefined && covers(stored, request);
    const reason =
      usable.length < selected.length && !isCovered
        ? "partial"
        : reasonFor(request, variants, stored, isCovered, nowMs);
    if (request.directives.has("only-if-cached"))
      return ownAnswer(
        504,
        '{"code":"unavailable","message":"only-if-cached: it is not in the cache"}',
      );
    return this.#ask(request, stored, reason, variants[0]?.fields);
  }

  /** The answer of the store, if it has one that may be used as it is. */
  find(request: CacheRequest, nowMs = this.#deps.clock.monotonicMs()): Answer | undefined {
    const { method, address, directives } = request;
    if (method !== "GET" && method !== "HEAD") return undefined;
    const { store, clock } = this.#deps;
    for (const stored of store.get(address.key)) {
      // Most have no variants: then nothing of the request is looked at.
      if (stored.selecting.size > 0 && !selects(stored.selecting, request.fields, stored.fields))
        continue;
      if (!covers(stored, request) || this.#isOutgrown(stored, request)) continue;
      const ageMs = nowMs - stored.bornMs;
      const use = useOf(stored.policy, ageMs, directives);
      // Another edge would ask again and again, and each would give the other what is stale.
      if (use === "validate" || (use === "behind" && request.isFromMember)) return undefined;
      if (use === "behind") this.#refresh(request, stored);
      const ttlS = (stored.policy.lifetimeMs - ageMs) / 1_000;
      return answerFrom(stored, request, clock, { ageMs, outcome: { kind: "hit", ttlS } });
    }
    return undefined;
  }

  #isOutgrown(stored: StoredResponse, request: CacheRequest): boolean {
    const { isConditional, address } = request;
    return isConditional && isOutgrown(stored, request) && this.#deps.grows(address.key);
  }

  /** Whoever asks from now on is not given what was asked for before. Resolves with what it hit in the store. */
  async purge(purge: Purge): Promise<Purged> {
    const { store, purges } = this.#deps;
    if (isWide(purge)) {
      purges.add(purge);
      return store.purged(purge);
    }
    const { key } = purge.target;
    // What it hits is known when it is here; what is made stale is kept.
    await store.load?.(key);
    const purged = this.#purgeKey(key, purge.isSoft);
    await store.settled?.();
    return purged;
  }

  #purgeKey(key: string, isSoft: boolean): Purged {
    const { store } = this.#deps;
    this.#underWay.outdate(key);
    return isSoft ? store.soften(key) : store.remove(key);
  }

  /** @param like fields of an answer for another request. */
  async #ask(
    request: CacheRequest,
    stored: StoredResponse | undefined,
    reason: ForwardReason,
    like: Fields | undefined,
  ): Promise<Answer> {
    const part = await this.#ofWhole(request, reason, like === undefined);
    if (part) return part;
    let known = like;
    let flight = this.#flightOf(request, undefined);
    const mayShare = isShareable(request) && !this.#isAlone(flight);
    for (let looks = mayShare ? LOOKS_MAX : 0; looks > 0; looks--) {
      const waitedFor = this.#inFlight.get(flight);
      if (waitedFor && this.#mayJoin(waitedFor.underWay, request)) {
        const isLate = waitedFor.underWay.fetched !== undefined;
        want(waitedFor.underWay, request);
        const shared = await waitedFor.fetching;
        if (isFor(shared, request))
          return this.#answer(shared, request, isLate ? "late" : "coalesced", reason);
        if (!shared.isShared) break;
        known = keptOf(shared).fields;
      }
      const next = this.#flightOf(request, known);
      if (next === flight) break;
      flight = next;
    }
    const fetched = await (mayShare
      ? this.#shared(request, stored, flight)
      : this.#exchange(request, stored).fetching);
    return this.#answer(fetched, request, "miss", reason);
  }

  /**
   * A range of what is under way as a whole. What a player hints at grows (RFC 8216bis section 4.4.5.3): it is asked for as a whole, once for all
   * ranges.
   * @param isNew nothing of it is in the store.
   */
  async #ofWhole(
    request: CacheRequest,
    reason: ForwardReason,
    isNew: boolean,
  ): Promise<Answer | undefined> {
    const spec = isShareable(request) ? askedRange(request) : undefined;
    if (!spec) return undefined;
    const whole = wholeOf(request);
    const flight = this.#flightOf(whole, undefined);
    const waitedFor = this.#inFlight.get(flight);
    const mayAsk = isNew && this.#deps.isHinted(request.address.key) && !this.#isAlone(flight);
    if (waitedFor ? !this.#mayJoin(waitedFor.underWay, whole) : !mayAsk) return undefined;
    const isLate = waitedFor?.underWay.fetched !== undefined;
    if (waitedFor) want(waitedFor.underWay, whole);
    const fetched = await (waitedFor?.fetching ?? this.#shared(whole, undefined, flight));
    if (fetched.kind !== "streamed") return undefined;
    const how = waitedFor ? (isLate ? "late" : "coalesced") : "miss";
    const answer = this.#answer(fetched, whole, how, reason);
    const part = isFor(fetched, whole)
      ? await rangeOfWhole(fetched, answer.fields, request.fields, spec)
      : undefined;
    // Nobody else may read it.
    if (!part && !waitedFor) await fetched.body.leave();
    return part && { ...answer, ...part };
  }

  #isAlone(flight: string): boolean {
    return this.#alone.has(flight, this.#deps.clock.monotonicMs());
  }

  async #shared(
    request: CacheRequest,
    stored: StoredResponse | undefined,
    flight: string,
  ): Promise<Exchanged> {
    const inFlight = this.#exchange(request, stored);
    this.#inFlight.set(flight, inFlight);
    const leave = () => {
      if (this.#inFlight.get(flight) === inFlight) this.#inFlight.delete(flight);
    };
    try {
      const fetched = await inFlight.fetching;
      if (fetched.kind === "streamed" && !fetched.isShared)
        this.#alone.add(this.#flightOf(request, undefined), this.#deps.clock.monotonicMs());
      // Those who come while the body comes join in.
      if (fetched.kind === "streamed" && fetched.isShared && fetched.body.isOpen)
        void fetched.body.finished().then(leave, leave);
      else leave();
      return fetched;
    } catch (error) {
      leave();
      throw error;
    }
  }

  #exchange(request: CacheRequest, stored: StoredResponse | undefined): InFlight {
    const { key } = request.address;
    const since = this.#deps.purges.last;
    const underWay = this.#underWay.begin(key, since);
    const { abort } = underWay;
    want(underWay, request);
    const leave = () => this.#underWay.end(key, underWay);
    const fetch = async () => {
      try {
        const mayKeep = (tags: readonly string[]) =>
          !underWay.isOutdated && this.#deps.purges.verdict(key, tags, since) === "alive";
        const asked = { request, stored, since, mayKeep, abort };
        const fetched = await exchange(asked, this.#deps);
        underWay.fetched = fetched;
        if (fetched.kind === "streamed") void fetched.body.finished().then(leave, leave);
        else leave();
        return fetched;
      } catch (error) {
        leave();
        throw error;
      } finally {
        release(underWay);
      }
    };
    return { underWay, fetching: fetch() };
  }

  /**
   * Who asks at the same time shares a question of the same name.
   * @param like fields of an answer for another request, where one is known: they say what else it depends on.
   */
  #flightOf({ address, fields, isFromMember }: CacheRequest, like: Fields | undefined): string {
    const { key } = address;
    const range = fields.has("range") ? OF_RANGE.map((name) => fields.all(name)) : [];
    const selecting = like ? [...selectingOf(like, fields)] : [];
    const which = [...range, ...selecting];
    const more = which.length > 0 ? ` ${JSON.stringify(which)}` : "";
    // Two edges that each hold the other to be the one that asks the origin must not wait for each other.
    const asker = isFromMember && !this.#deps.upstream.asksOrigin(key) ? "member " : "";
    return `${asker}${key}${more}`;
  }

  /** Nothing that it may be about was purged since it was asked, and what has come of it is fresh still. */
  #mayJoin({ isOutdated, since, abort, fetched }: UnderWay, request: CacheRequest): boolean {
    const { purges, clock } = this.#deps;
    const { key } = request.address;
    if (fetched) {
      const { policy, bornMs } = keptOf(fetched);
      const use = useOf(policy, clock.monotonicMs() - bornMs, request.directives);
      if (use !== "fresh") return false;
    }
    if (isOutdated || abort.signal.aborted) return false;
    return since >= purges.lastOfTags && purges.verdict(key, [], since) === "alive";
  }

  /** @param how "late": its head had come before. */
  #answer(
    fetched: Exchanged,
    request: CacheRequest,
    how: "miss" | "coalesced" | "late",
    reason: ForwardReason,
  ): Answer {
    const { status } = fetched;
    const kind = how === "miss" ? "miss" : "coalesced";
    const ageMs = this.#deps.clock.monotonicMs() - keptOf(fetched).bornMs;
    if (fetched.kind === "streamed") {
      const { trailers, isStored: stored, atMs } = fetched;
      const fields = kind === "coalesced" ? fetched.sharedFields : fetched.fields;
      // Who waited for the origin's answer has it as it is; for others it has an age (RFC 9111 sections 4.2.3 and 5.1).
      const aged =
        how === "late" ? { fields: fields.without(AGE), ageMs } : { fields, ageMs: undefined };
      const outcome = { kind, reason, status, stored } as const;
      // Trailers need a body that is sent in chunks.
      const isWhole = fetched.body.isWhole && trailers().length === 0;
      const body = isWhole && request.method === "GET" ? fetched.body.whole() : fetched.body;
      return { status: fetched.status, ...aged, body, trailers, outcome, atMs };
    }
    const { response, isStale } = fetched;
    const outcome = { kind, reason, status, stored: !isStale } as const;
    return answerFrom(response, request, this.#deps.clock, { ageMs, outcome });
  }

  /** Asks the origin while the client has its answer already. */
  #refresh(request: CacheRequest, stored: StoredResponse): void {
    const flight = this.#flightOf(request, stored.fields);
    if (this.#inFlight.has(flight)) return;
    const behind = cacheRequest("GET", request.address, request.fields);
    const done = async () => {
      const fetched = await this.#shared(behind, stored, flight);
      if (fetched.kind === "streamed") for await (const chunk of fetched.body.read()) void chunk;
    };
    // What is stored stays as it is, and is asked about again.
    done().catch(() => {});
  }

  /** Methods that are not answered from the store; the unsafe ones change what is behind an address (RFC 9111 section 4.4). */
  async #pass(request: CacheRequest): Promise<Answer> {
    const fetched = await this.#exchange(request, undefined).fetching;
    const { status = 500 } = fetched;
    if (isUnsafe(request.method) && status < 400 && fetched.kind === "streamed")
      await this.#deps.invalidate(addressesOf(request, fetched.fields, this.#deps.addresses));
    return this.#answer(fetched, request, "miss", "method");
  }
}

const isWide = (purge: Purge): purge is WidePurge =>
  purge.target === "everything" || !("key" in purge.target);

/** Others may have the answer to it. */
function isShareable(request: CacheRequest): boolean {
  const { method, fields, directives } = request;
  return (
    method === "GET" &&
    (!fields.has("range") || askedRange(request) !== undefined) &&
    !fields.has("authorization") &&
    !directives.has("no-store") &&
    !directives.has("no-cache")
  );
}

/** The same without its range. */
function wholeOf({ address, fields, client, isFromMember }: CacheRequest): CacheRequest {
  const whole = cacheRequest("GET", address, fields.without(RANGES), client && { client });
  return isFromMember ? { ...whole, isFromMember } : whole;
}

/** What it says, and is worth, wherever it comes from. */
const keptOf = (fetched: Exchanged) => (fetched.kind === "stored" ? fetched.response : fetched);

function isFor(shared: Exchanged, request: CacheRequest): boolean {
  const { selecting, fields } = keptOf(shared);
  if (!shared.isShared || !selects(selecting, request.fields, fields)) return false;
  return shared.kind === "stored" ? covers(shared.response, request) : shared.body.isKept;
}

function reasonFor(
  { directives }: CacheRequest,
  variants: readonly StoredResponse[],
  stored: StoredResponse | undefined,
  isCovered: boolean,
  nowMs: number,
): ForwardReason {
  if (!stored) return variants.length > 0 ? "vary-miss" : "uri-miss";
  if (!isCovered) return "partial";
  const isFresh = nowMs - stored.bornMs < stored.policy.lifetimeMs && !stored.policy.noCache;
  return isFresh && directives.size > 0 ? "request" : "stale";
}
