/** The way of a request: store, else a question to the origin that all who want the same object share. */
import type { Answer } from "./answer.ts";
import { answerFrom, covers, ownAnswer } from "./answer.ts";
import { addressOf } from "./core/address.ts";
import type { ForwardReason } from "./core/cache-status.ts";
import { ForAWhile } from "./core/for-a-while.ts";
import type { Fields } from "./core/http/fields.ts";
import { useOf } from "./core/http/reuse.ts";
import { selects } from "./core/http/vary.ts";
import { exchange } from "./exchange.ts";
import type { Exchanged, ExchangeDeps } from "./exchanged.ts";
import type { CacheRequest } from "./request.ts";
import { cacheRequest } from "./request.ts";
import type { Purge, WidePurge } from "./core/purges.ts";
import type { Purged, StoredResponse } from "./stores/store.ts";

/** Whose answers could not be shared: those who ask soon again do not wait for one another. */
const ALONE_MS = 5_000;
const ALONE_MAX = 10_000;
/** RFC 9110 section 9.2.1; of them, GET and HEAD are answered from the store. */
const SAFE: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "TRACE"]);

/** A question to the origin that has no whole answer yet. */
interface UnderWay {
  /** Its object was purged. */
  isOutdated: boolean;
  /** Number of the newest purge of many objects when it was asked. */
  since: number;
  hasHead: boolean;
  /** Those who wait for its head. */
  clients: number;
  /** Takes back what was asked of clients that outlive the question. */
  takeBack: (() => void)[];
  abort: AbortController;
}

interface InFlight {
  underWay: UnderWay;
  fetching: Promise<Exchanged>;
}

export class Cache {
  readonly #deps: ExchangeDeps;
  readonly #inFlight = new Map<string, InFlight>();
  readonly #alone = new ForAWhile(ALONE_MAX, ALONE_MS);
  /** A fetch that began before a purge must not bring back what was purged: by key, those under way. */
  readonly #underWay = new Map<string, Set<UnderWay>>();

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
    const stored = selected.find((variant) => covers(variant, request)) ?? selected[0];
    const isCovered = stored !== undefined && covers(stored, request);
    const reason = reasonFor(request, variants, stored, isCovered, nowMs);
    if (request.directives.has("only-if-cached"))
      return ownAnswer(
        504,
        '{"code":"unavailable","message":"only-if-cached: it is not in the cache"}',
      );
    return this.#ask(request, stored, reason);
  }

  /** The answer of the store, if it has one that may be used as it is. */
  find(request: CacheRequest): Answer | undefined {
    const { method, address, directives } = request;
    if (method !== "GET" && method !== "HEAD") return undefined;
    const { store, clock } = this.#deps;
    for (const stored of store.get(address.key)) {
      // Most have no variants: then nothing of the request is looked at.
      if (stored.selecting.size > 0 && !selects(stored.selecting, request.fields, stored.fields))
        continue;
      if (!covers(stored, request)) continue;
      const ageMs = clock.monotonicMs() - stored.bornMs;
      const use = useOf(stored.policy, ageMs, directives);
      // Another edge would ask again and again, and each would give the other what is stale.
      if (use === "validate" || (use === "behind" && request.isFromMember)) return undefined;
      if (use === "behind") this.#refresh(request, stored);
      const ttlS = (stored.policy.lifetimeMs - ageMs) / 1_000;
      return answerFrom(stored, request, clock, { ageMs, outcome: { kind: "hit", ttlS } });
    }
    return undefined;
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
    for (const one of this.#underWay.get(key) ?? []) one.isOutdated = true;
    return isSoft ? store.soften(key) : store.remove(key);
  }

  async #ask(
    request: CacheRequest,
    stored: StoredResponse | undefined,
    reason: ForwardReason,
  ): Promise<Answer> {
    const { key } = request.address;
    const mayShare = isShareable(request) && !this.#alone.has(key, this.#deps.clock.monotonicMs());
    const waitedFor = mayShare ? this.#inFlight.get(this.#flightOf(request)) : undefined;
    if (waitedFor && this.#isCurrent(waitedFor.underWay, key)) {
      want(waitedFor.underWay, request);
      const shared = await waitedFor.fetching;
      if (isFor(shared, request)) return this.#answer(shared, request, "coalesced", reason);
    }
    const fetched = await (mayShare
      ? this.#shared(request, stored)
      : this.#exchange(request, stored).fetching);
    return this.#answer(fetched, request, "miss", reason);
  }

  async #shared(request: CacheRequest, stored: StoredResponse | undefined): Promise<Exchanged> {
    const { key } = request.address;
    const flight = this.#flightOf(request);
    const inFlight = this.#exchange(request, stored);
    this.#inFlight.set(flight, inFlight);
    const leave = () => {
      if (this.#inFlight.get(flight) === inFlight) this.#inFlight.delete(flight);
    };
    try {
      const fetched = await inFlight.fetching;
      if (fetched.kind === "streamed" && !fetched.isShared)
        this.#alone.add(key, this.#deps.clock.monotonicMs());
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
    const abort = new AbortController();
    const since = this.#deps.purges.last;
    const underWay: UnderWay = {
      isOutdated: false,
      since,
      hasHead: false,
      clients: 0,
      takeBack: [],
      abort,
    };
    want(underWay, request);
    const all = this.#underWay.get(key) ?? new Set();
    this.#underWay.set(key, all.add(underWay));
    const leave = () => {
      all.delete(underWay);
      if (all.size === 0 && this.#underWay.get(key) === all) this.#underWay.delete(key);
    };
    const fetch = async () => {
      try {
        const mayKeep = (tags: readonly string[]) =>
          !underWay.isOutdated && this.#deps.purges.verdict(key, tags, since) === "alive";
        const asked = { request, stored, since, mayKeep, abort };
        const fetched = await exchange(asked, this.#deps);
        underWay.hasHead = true;
        if (fetched.kind === "streamed") void fetched.body.finished().then(leave, leave);
        else leave();
        return fetched;
      } catch (error) {
        leave();
        throw error;
      } finally {
        for (const takeBack of underWay.takeBack.splice(0)) takeBack();
      }
    };
    return { underWay, fetching: fetch() };
  }

  /** Two edges that each hold the other to be the one that asks the origin must not wait for each other. */
  #flightOf({ address, isFromMember }: CacheRequest): string {
    const { key } = address;
    return isFromMember && !this.#deps.upstream.asksOrigin(key) ? `member ${key}` : key;
  }

  /** Nothing that it may be about was purged since it was asked. */
  #isCurrent({ isOutdated, since, abort }: UnderWay, key: string): boolean {
    const { purges } = this.#deps;
    if (isOutdated || abort.signal.aborted) return false;
    return since >= purges.lastOfTags && purges.verdict(key, [], since) === "alive";
  }

  #answer(
    fetched: Exchanged,
    request: CacheRequest,
    kind: "miss" | "coalesced",
    reason: ForwardReason,
  ): Answer {
    const { status } = fetched;
    if (fetched.kind === "streamed") {
      const { trailers, isStored: stored, atMs } = fetched;
      const fields = kind === "coalesced" ? fetched.sharedFields : fetched.fields;
      const outcome = { kind, reason, status, stored } as const;
      // Trailers need a body that is sent in chunks.
      const isWhole = fetched.body.isWhole && trailers().length === 0;
      const body = isWhole && request.method === "GET" ? fetched.body.whole() : fetched.body;
      return { status: fetched.status, fields, ageMs: undefined, body, trailers, outcome, atMs };
    }
    const { response, isStale } = fetched;
    const ageMs = this.#deps.clock.monotonicMs() - response.bornMs;
    const outcome = { kind, reason, status, stored: !isStale } as const;
    return answerFrom(response, request, this.#deps.clock, { ageMs, outcome });
  }

  /** Asks the origin while the client has its answer already. */
  #refresh(request: CacheRequest, stored: StoredResponse): void {
    if (this.#inFlight.has(this.#flightOf(request))) return;
    const behind = cacheRequest("GET", request.address, request.fields);
    const done = async () => {
      const fetched = await this.#shared(behind, stored);
      if (fetched.kind === "streamed") for await (const chunk of fetched.body.read()) void chunk;
    };
    // What is stored stays as it is, and is asked about again.
    done().catch(() => {});
  }

  /** Methods that are not answered from the store; the unsafe ones change what is behind an address (RFC 9111 section 4.4). */
  async #pass(request: CacheRequest): Promise<Answer> {
    const fetched = await this.#exchange(request, undefined).fetching;
    const { status = 500 } = fetched;
    if (!SAFE.has(request.method) && status < 400 && fetched.kind === "streamed")
      await this.#deps.invalidate(addressesOf(request, fetched.fields));
    return this.#answer(fetched, request, "miss", "method");
  }
}

const isWide = (purge: Purge): purge is WidePurge =>
  purge.target === "everything" || !("key" in purge.target);

/** Others may have the answer to it. */
function isShareable({ method, fields, directives }: CacheRequest): boolean {
  return (
    method === "GET" &&
    !fields.has("range") &&
    !fields.has("authorization") &&
    !directives.has("no-store") &&
    !directives.has("no-cache")
  );
}

function isFor(shared: Exchanged, request: CacheRequest): boolean {
  const { selecting, fields } = shared.kind === "stored" ? shared.response : shared;
  if (!shared.isShared || !selects(selecting, request.fields, fields)) return false;
  return shared.kind === "stored" ? covers(shared.response, request) : shared.body.isKept;
}

/** One more client waits; when all of them have gone before the head has come, the question ends. */
function want(underWay: UnderWay, { client }: CacheRequest): void {
  // It went while another question was waited for.
  if (client?.isGone && underWay.clients === 0) underWay.abort.abort();
  if (client?.isGone) return;
  underWay.clients++;
  const takeBack = client?.onGone(() => {
    if (--underWay.clients === 0 && !underWay.hasHead) underWay.abort.abort();
  });
  if (takeBack) underWay.takeBack.push(takeBack);
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

/** What an unsafe request may have changed: its own address, and those that its answer names on this server. */
function addressesOf({ address, fields }: CacheRequest, answer: Fields): Set<string> {
  const keys = new Set([address.key]);
  const host = fields.first("host") ?? "edge";
  for (const name of ["location", "content-location"]) {
    const value = answer.first(name);
    if (value === undefined || !URL.canParse(value, `http://${host}${address.key}`)) continue;
    const url = new URL(value, `http://${host}${address.key}`);
    const named = url.host === host ? addressOf(`${url.pathname}${url.search}`) : undefined;
    if (named) keys.add(named.key);
  }
  return keys;
}
